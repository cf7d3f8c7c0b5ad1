package sink

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"
)

// librdkafka's own cluster takes what is produced, and its client reads it.
func TestKafkaKcat(t *testing.T) {
	if _, err := exec.LookPath("kcat"); err != nil {
		t.Skip("kcat is not installed: apt-get install kcat")
	}
	place := mock(t)
	k := open(t, "kafka://"+place+"/weir", Options{Kafka: KafkaOptions{Compression: "snappy"}})
	// These brokers answer no request for versions that is newer than Kafka 2.3 was.
	k.(*kafka).opts = append(k.(*kafka).opts, kgo.MaxVersions(kversion.V2_3_0()))
	message, of := lines(100, "x")
	if err := deliver(t, k, message, of); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(deadline(t, 20*time.Second), "kcat", "-b", place, "-C", "-t", "weir", "-e", "-q",
		"-o", "beginning", "-f", `%k %h %s\n`)
	out, err := c.Output()
	if err != nil {
		t.Fatalf("kcat: %v", err)
	}
	got := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.SortFunc(got, func(a, b string) int { return strings.Compare(number(a), number(b)) })
	if len(got) != 100 {
		t.Fatalf("kcat reads %d records, want 100: %s", len(got), out)
	}
	want := fmt.Sprintf(`1:BwAAAAAAAAAAAAAAAAAAAAAAAAE= kind=event,time=%d,schema=1,id=%x {"N":7,"MARK":"x"}`,
		of.Items[7].Time/1e6, of.Items[7].ID)
	if !slices.Contains(got, want) {
		t.Errorf("kcat does not read\n%s\nbut\n%s", want, strings.Join(got, "\n"))
	}
}

// number returns what is behind "N": in a line.
func number(line string) string {
	_, n, _ := strings.Cut(line, `"N":`)
	return fmt.Sprintf("%9s", n)
}

// mock starts three brokers inside a producer of kcat, which says on standard error where they are.
func mock(t *testing.T) (place string) {
	t.Helper()
	c := exec.Command("kcat", "-P", "-b", "127.0.0.1:9", "-t", "unused", "-d", "mock", "-X", "test.mock.num.brokers=3")
	in, err := c.StdinPipe() // it runs until there is nothing more to produce
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	s := bufio.NewScanner(out)
	ended := make(chan struct{})
	t.Cleanup(func() {
		in.Close()
		c.Process.Kill()
		<-ended
		c.Wait()
	})
	for s.Scan() {
		if _, list, ok := strings.Cut(s.Text(), " bootstrap.servers="); ok {
			place = strings.TrimSpace(list)
			break
		}
	}
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, out)
	}()
	if place == "" {
		t.Fatal("kcat does not say where its brokers are")
	}
	return place
}
