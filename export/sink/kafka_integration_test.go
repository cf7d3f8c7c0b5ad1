package sink

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/weir-probe/weir/export"
)

// broker starts a node of Apache Kafka that is its own controller, with a port in clear and one
// with TLS where users have to prove who they are.
func broker(t *testing.T) (d *daemon, clear, secure, ca string) {
	lib := integration(t, "kafka", "lib")
	dir := t.TempDir()
	cert, key := certificate(t, dir, "broker.example", time.Hour)
	pem := filepath.Join(dir, "broker.pem")
	write(t, pem, read(t, key)+read(t, cert))
	p := [3]int{freePort(t), freePort(t), freePort(t)}
	conf := filepath.Join(dir, "server.properties")
	write(t, conf, fmt.Sprintf(`
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:%[3]d
listeners=CLEAR://127.0.0.1:%[1]d,SECURE://127.0.0.1:%[2]d,CONTROLLER://127.0.0.1:%[3]d
advertised.listeners=CLEAR://127.0.0.1:%[1]d,SECURE://127.0.0.1:%[2]d
inter.broker.listener.name=CLEAR
controller.listener.names=CONTROLLER
listener.security.protocol.map=CLEAR:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.secure.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
  user_weir="s3cret";
listener.name.secure.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secure.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location=%[4]s
log.dirs=%[5]s
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
num.partitions=4
log.initial.task.delay.ms=1000
log.retention.check.interval.ms=1000
`, p[0], p[1], p[2], pem, filepath.Join(dir, "data")))
	run := func(arg ...string) *exec.Cmd {
		c := exec.Command(filepath.Join(java(t), "bin", "java"), append([]string{"-Xmx512m",
			"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", filepath.Join(lib, "*")}, arg...)...)
		c.Dir = dir
		return c
	}
	out, err := run("kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAA", "-c", conf,
		"--add-scram", "SCRAM-SHA-256=[name=weir,password=s3cret]",
		"--add-scram", "SCRAM-SHA-512=[name=weir,password=s3cret]").CombinedOutput()
	if err != nil {
		t.Fatalf("format of the log: %v\n%s", err, out)
	}
	d = launch(t, p[0], func() *exec.Cmd { return run("kafka.Kafka", conf) })
	at := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", p[i]) }
	return d, at(0), at(1), cert
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestKafkaBroker asks Apache Kafka.
func TestKafkaBroker(t *testing.T) {
	d, place, secure, ca := broker(t)
	t.Run("too large", func(t *testing.T) { brokerTooLarge(t, place) })
	t.Run("secure", func(t *testing.T) { brokerSecure(t, secure, ca) })
	t.Run("dies", func(t *testing.T) { brokerDies(t, d, place) })
}

// A broker that dies in the middle and comes back has every record.
func brokerDies(t *testing.T, d *daemon, place string) {
	const n = 20000
	for _, acks := range []string{"all", "leader"} {
		l := newLoad(n)
		st := l.export(t, "kafka://"+place+"/"+acks+".{kind}", Options{
			Format: "json", Kafka: KafkaOptions{Acks: acks, SchemaTopic: "weir.schema"},
		}, func() {
			if acks == "all" {
				d.kill()
				d.start()
			}
		})
		ids, total := map[string]bool{}, 0
		for _, kind := range []string{"flow", "event"} {
			for _, r := range consume(t, place, acks+"."+kind, n/2) {
				ids[string(r.Headers[len(r.Headers)-1].Value)] = true
				total++
			}
		}
		if len(ids) != n {
			t.Errorf("acks %s: %d records arrived, want %d", acks, len(ids), n)
		}
		t.Logf("acks %s: %d records, %d of them twice; %d failures, %d retries", acks, n, total-len(ids),
			st.Failures, st.Retries)
	}
	if all := consume(t, place, "weir.schema", 2); len(all) != 2 {
		t.Errorf("%d descriptions, want one for each exporter", len(all))
	}
}

// TLS and the ways to prove a user, to a broker that is not ours.
func brokerSecure(t *testing.T, place, ca string) {
	file := filepath.Join(t.TempDir(), "password")
	for _, mechanism := range kafkaSASLs()[1:] {
		o := Options{
			TLS: TLSOptions{CA: ca}, Auth: AuthOptions{User: "weir", PasswordFile: file},
			Kafka: KafkaOptions{SASL: mechanism},
		}
		write(t, file, "not-it\n")
		err := open(t, "kafka+tls://"+place+"/all", o).Send(deadline(t, 5*time.Second), []byte("x"))
		if !errors.Is(err, kerr.SaslAuthenticationFailed) || strings.Contains(err.Error(), "not-it") {
			t.Errorf("%s with a wrong password: %v", mechanism, err)
		}
		write(t, file, "s3cret\n")
		if err := open(t, "kafka+tls://"+place+"/all", o).Send(deadline(t, 20*time.Second), []byte("x")); err != nil {
			t.Errorf("%s: %v", mechanism, err)
		}
	}
	err := open(t, "kafka+tls://"+place+"/all", Options{}).Send(deadline(t, 3*time.Second), []byte("x"))
	if err == nil || !strings.Contains(err.Error(), "name the authority's file in ca") {
		t.Errorf("an authority that is not known: %v", err)
	}
	err = open(t, "kafka://"+place+"/all", Options{}).Send(deadline(t, 3*time.Second), []byte("x"))
	if err == nil || !strings.Contains(err.Error(), "tls") {
		t.Errorf("without TLS: %v", err)
	}
}

// Records that are larger than the topic allows are refused, the others are not.
func brokerTooLarge(t *testing.T, place string) {
	k := open(t, "kafka://"+place+"/all", Options{Kafka: KafkaOptions{MaxMessage: 8 << 20, Compression: "none"}})
	message, of := lines(3, "x")
	message = fmt.Appendf(message, "{%q}\n", strings.Repeat("y", 2<<20))
	of.Items = append(of.Items, export.Item{End: uint32(len(message))})
	of.Records++
	var refused *export.Refused
	err := k.(export.Storer).Store(deadline(t, 30*time.Second), message, of)
	if !errors.As(err, &refused) || refused.Records != 1 {
		t.Errorf("Store returns %v, want one record refused", err)
	}
	if got := len(consume(t, place, "all", 3)); got != 3 {
		t.Errorf("%d records arrived, want 3", got)
	}
}
