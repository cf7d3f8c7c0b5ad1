package sink

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weir-probe/weir/export"
)

// node starts a node of Elasticsearch or OpenSearch. The product says how its variables begin.
func node(t *testing.T, product, home string, settings ...string) (d *daemon, place string) {
	t.Helper()
	dir, port := t.TempDir(), freePort(t)
	conf := filepath.Join(dir, "config")
	if err := os.CopyFS(conf, os.DirFS(filepath.Join(home, "config"))); err != nil {
		t.Fatal(err)
	}
	settings = append(settings, "node.name: n", "discovery.type: single-node", "http.host: 127.0.0.1",
		"transport.host: 127.0.0.1", fmt.Sprint("http.port: ", port), fmt.Sprint("transport.port: ", freePort(t)),
		"path.data: "+filepath.Join(dir, "data"), "path.logs: "+filepath.Join(dir, "logs"))
	write(t, filepath.Join(conf, strings.ToLower(product)+".yml"), strings.Join(settings, "\n")+"\n")
	temp := filepath.Join(dir, "tmp")
	if err := os.Mkdir(temp, 0o700); err != nil {
		t.Fatal(err)
	}
	short := map[string]string{"elasticsearch": "ES", "opensearch": "OPENSEARCH"}[product]
	d = launch(t, port, func() *exec.Cmd {
		c := exec.Command(filepath.Join(home, "bin", product))
		c.Env = append(os.Environ(), "HOME="+dir, short+"_PATH_CONF="+conf, short+"_TMPDIR="+temp,
			short+"_JAVA_HOME="+java(t), short+"_JAVA_OPTS=-Xms512m -Xmx512m")
		return c
	})
	return d, fmt.Sprintf("127.0.0.1:%d", port)
}

// only returns the one directory below dir.
func only(t *testing.T, dir string) string {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil || len(all) != 1 {
		t.Fatalf("%s holds %v (%v), not one directory", dir, all, err)
	}
	return filepath.Join(dir, all[0].Name())
}

// ask sends a request as the sink does, and reads the answer.
func ask(t *testing.T, k *elastic, method, path string, body any) (said map[string]any) {
	t.Helper()
	var b []byte
	if body != nil {
		var err error
		if b, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	path, query, _ := strings.Cut(path, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	c := call{method: method, path: path, query: values, kind: "application/json", body: b}
	a, err := k.do(deadline(t, 30*time.Second), c)
	if err != nil || a.status >= 300 {
		t.Fatalf("%s %s: %v %v", method, path, err, a.error())
	}
	if err := json.NewDecoder(bytes.NewReader(a.body)).Decode(&said); err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return said
}

// found returns the number of documents and the sum of a field.
func found(t *testing.T, k *elastic, index, field string) (n, sum uint64) {
	t.Helper()
	ask(t, k, http.MethodPost, "/"+index+"/_refresh", nil)
	said := ask(t, k, http.MethodPost, "/"+index+"/_search?size=0&track_total_hits=true", Object{
		"aggs": Object{"sum": Object{"sum": Object{"field": field}}},
	})
	n = uint64(said["hits"].(Object)["total"].(Object)["value"].(float64))
	return n, uint64(said["aggregations"].(Object)["sum"].(Object)["value"].(float64))
}

func TestElasticsearch(t *testing.T) {
	d, place := node(t, "elasticsearch", only(t, integration(t, "elasticsearch")), "xpack.security.enabled: false")
	indexes(t, d, "elasticsearch://"+place)
}

func TestOpenSearch(t *testing.T) {
	d, place := node(t, "opensearch", only(t, integration(t, "opensearch")))
	indexes(t, d, "opensearch://"+place)
}

// indexes exports to a node that dies in the middle: every record is there, once, and can be
// searched as what it is.
func indexes(t *testing.T, d *daemon, target string) {
	const n = 4000
	for _, c := range []struct{ format, octets, address string }{
		{"ecs", "source.bytes", "source.ip"}, {"json", "IN_BYTES", "IPV4_SRC_ADDR"},
	} {
		o := Options{Format: c.format, Elastic: ElasticOptions{Install: true}}
		name := "logs-" + c.format + ".{kind}-test"
		l := newLoad(n)
		st := l.export(t, target+"/"+name, o, func() {
			if c.format == "ecs" {
				d.kill()
				d.start()
			}
		})
		k := open(t, target, Options{}).(*elastic)
		count, sum := found(t, k, "logs-"+c.format+".*-test", c.octets)
		if count != n || sum != l.octets {
			t.Errorf("%s: %d documents with %d octets, want %d with %d", c.format, count, sum, n, l.octets)
		}
		// 10.1.0.0/24 is a term only of fields that are addresses.
		said := ask(t, k, http.MethodPost, "/logs-"+c.format+".flow-test/_count", Object{
			"query": Object{"term": Object{c.address: "10.1.0.0/24"}},
		})
		want := 0
		for i := range 256 {
			if i%2 == 0 && i%3 != 2 {
				want++
			}
		}
		if got := int(said["count"].(float64)); got != want {
			t.Errorf("%s: %d flows from 10.1.0.0/24, want %d", c.format, got, want)
		}
		t.Logf("%s: %d records; %d failures, %d retries", c.format, n, st.Failures, st.Retries)
	}
}

// Users and TLS, to a node that asks for them. It lacks what keys need.
func TestElasticsearchSecure(t *testing.T) {
	home := only(t, integration(t, "elasticsearch"))
	cert, key := certificate(t, t.TempDir(), "node.example", time.Hour)
	dir := t.TempDir()
	own := filepath.Join(dir, "home")
	if err := os.CopyFS(own, os.DirFS(home)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{cert, key} {
		write(t, filepath.Join(own, "config", filepath.Base(name)), read(t, name))
	}
	users := exec.Command(filepath.Join(own, "bin", "elasticsearch-users"), "useradd", "weir", "-p", "s3cretpw",
		"-r", "superuser")
	users.Env = append(os.Environ(), "ES_JAVA_HOME="+java(t))
	if out, err := users.CombinedOutput(); err != nil {
		t.Fatalf("user cannot be added: %v\n%s", err, out)
	}
	_, place := node(t, "elasticsearch", own, "xpack.security.enabled: true", "xpack.security.http.ssl.enabled: true",
		"xpack.security.http.ssl.certificate: "+filepath.Base(cert), "xpack.security.http.ssl.key: "+filepath.Base(key))
	file := filepath.Join(dir, "secret")
	o := Options{TLS: TLSOptions{CA: cert}, Auth: AuthOptions{User: "weir", PasswordFile: file}}
	message, of := lines(2, "x")
	send := func(o Options) error {
		k := open(t, "elasticsearch+tls://"+place, o)
		return k.(export.Storer).Store(deadline(t, 20*time.Second), message, of)
	}
	write(t, file, "not-it\n")
	if err := send(o); err == nil || !strings.Contains(err.Error(), "401") || strings.Contains(err.Error(), "not-it") {
		t.Errorf("a wrong password: %v", err)
	}
	write(t, file, "s3cretpw\n")
	if err := send(o); err != nil {
		t.Errorf("user and password: %v", err)
	}
}
