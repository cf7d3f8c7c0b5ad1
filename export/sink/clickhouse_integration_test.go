package sink

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
)

// oldServer starts Debian's ClickHouse, which is of 2018.
func oldServer(t *testing.T) (d *daemon, place string) {
	t.Helper()
	integration(t)
	if _, err := exec.LookPath("clickhouse-server"); err != nil {
		t.Fatal("clickhouse-server is not installed: make server-deps")
	}
	dir, port := t.TempDir(), freePort(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, at("config.xml"), fmt.Sprintf(`<yandex>
<logger><level>warning</level><console>1</console></logger>
<http_port>%d</http_port><listen_host>127.0.0.1</listen_host>
<path>%s/</path><tmp_path>%s/</tmp_path><user_files_path>%s/</user_files_path>
<format_schema_path>%s/</format_schema_path><mark_cache_size>100000000</mark_cache_size>
<users_config>users.xml</users_config><default_profile>default</default_profile>
<default_database>default</default_database><timezone>UTC</timezone></yandex>`,
		port, at("data"), at("tmp"), at("files"), at("schemas")))
	write(t, at("users.xml"), `<yandex><profiles><default/></profiles><quotas><default/></quotas>
<users><weir><password>s3cret</password><networks><ip>::/0</ip></networks>
<profile>default</profile><quota>default</quota></weir></users></yandex>`)
	d = launch(t, port, func() *exec.Cmd {
		c := exec.Command("clickhouse-server", "--config-file="+at("config.xml"))
		c.Dir = dir
		return c
	})
	return d, fmt.Sprintf("127.0.0.1:%d", port)
}

// newEngine starts a recent engine behind as much of HTTP as inserts need.
func newEngine(t *testing.T) (d *daemon, place string) {
	t.Helper()
	python := filepath.Join(integration(t, "clickhouse"), "bin", "python")
	script, err := filepath.Abs(filepath.Join("testdata", "clickhouse", "serve.py"))
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	data := filepath.Join(t.TempDir(), "data")
	d = launch(t, port, func() *exec.Cmd { return exec.Command(python, script, fmt.Sprint(port), data) })
	return d, fmt.Sprintf("127.0.0.1:%d", port)
}

func TestClickHouseOld(t *testing.T) {
	d, place := oldServer(t)
	file := filepath.Join(t.TempDir(), "password")
	write(t, file, "not-it\n")
	o := Options{Auth: AuthOptions{User: "weir", PasswordFile: file}}
	message, of := lines(2, "x")
	err := deliver(t, open(t, "clickhouse://"+place, o), message, of)
	if err == nil || !strings.Contains(err.Error(), "401") || strings.Contains(err.Error(), "not-it") {
		t.Errorf("a wrong password: %v", err)
	}
	write(t, file, "s3cret\n")
	inserts(t, d, "clickhouse://"+place, o, " FINAL")
	o.ClickHouse = ClickHouseOptions{Create: true, TTL: "1 DAY"}
	if err := deliver(t, open(t, "clickhouse://"+place, o), message, of); err == nil {
		t.Error("a server that does not delete rows takes a table whose rows it should")
	}
}

func TestClickHouseNew(t *testing.T) {
	d, place := newEngine(t)
	inserts(t, d, "clickhouse://"+place, Options{ClickHouse: ClickHouseOptions{TTL: "100 YEAR"}}, "")
}

// inserts exports to a server that dies in the middle: every record is there, once.
func inserts(t *testing.T, d *daemon, target string, o Options, final string) {
	const n = 10000
	o.Format, o.ClickHouse.Create = "json", true
	l := newLoad(n)
	st := l.export(t, target, o, func() {
		d.kill()
		d.start()
	})
	k := open(t, target, o).(*clickhouse)
	ask := func(statement string) string {
		t.Helper()
		a, err := k.query(deadline(t, 20*time.Second), statement)
		if err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
		return strings.TrimSpace(string(a.body))
	}
	rows := func(table string) string {
		return ask("SELECT count(), sum(IN_BYTES), countIf(isNull(IPV6_SRC_ADDR)) FROM weir." + table + final)
	}
	var sum [2]uint64
	for i := range n {
		sum[i%2] += uint64(5000 + 7*i)
	}
	v4 := 0
	for i := 0; i < n; i += 2 {
		if i%3 != 2 {
			v4++
		}
	}
	if got, want := rows("flow"), fmt.Sprintf("%d\t%d\t%d", n/2, sum[0], v4); got != want {
		t.Errorf("flows, their octets and those without IPv6: %s, want %s", got, want)
	}
	t.Logf("%d records; %d failures, %d retries", n, st.Failures, st.Retries)

	// What comes again is not there twice, a column that is missing is made, and a record that
	// does not fit is refused by itself.
	message, of := lines(4, "x")
	o.ClickHouse.Create = false
	err := deliver(t, open(t, target+"/weir/flow", o), message, of)
	if err == nil || !strings.Contains(err.Error(), "Unknown field") {
		t.Errorf("a member without a column: %v", err)
	}
	ask("ALTER TABLE weir.flow ADD COLUMN N UInt8")
	ask("ALTER TABLE weir.flow ADD COLUMN MARK String")
	message = []byte(strings.Replace(string(message), `"N":2`, `"N":{}`, 1))
	for i := range of.Items {
		of.Items[i].End = uint32(len(strings.Join(strings.SplitAfter(string(message), "\n")[:i+1], "")))
	}
	for range 2 {
		k := open(t, target+"/weir/flow", o)
		if err := deliver(t, k, message, of); err == nil || !strings.HasPrefix(err.Error(), "1 records were refused") {
			t.Errorf("a record that does not fit: %v", err)
		}
	}
	if got := ask("SELECT count() FROM weir.flow" + final + " WHERE MARK = 'x'"); got != "3" {
		t.Errorf("%s records that fit, want 3", got)
	}
}

// The tables of all fields take the statements of the dashboard for Grafana.
func TestClickHouseDashboard(t *testing.T) {
	_, place := newEngine(t)
	o := Options{Format: "json", Fields: everything(t).Fields}
	k := open(t, "clickhouse://"+place, o).(*clickhouse)
	for _, kind := range []flow.Kind{flow.KindFlow, flow.KindEvent} {
		statements, err := ClickHouse("clickhouse://"+place, kind, &o, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range statements {
			if _, err := k.query(deadline(t, 20*time.Second), s); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, s := range queries(t) {
		if _, err := k.query(deadline(t, 20*time.Second), s); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

// The table gets what columns it lacks.
func TestClickHouseColumns(t *testing.T) {
	_, place := newEngine(t)
	l := newLoad(10)
	k := open(t, "clickhouse://"+place, Options{}).(*clickhouse)
	for _, statement := range []string{
		"CREATE DATABASE weir", "CREATE TABLE weir.flow (record_id String, record_time DateTime) " +
			"ENGINE = MergeTree ORDER BY record_time",
	} {
		if _, err := k.query(deadline(t, 10*time.Second), statement); err != nil {
			t.Fatal(err)
		}
	}
	l.export(t, "clickhouse://"+place, Options{Format: "json", ClickHouse: ClickHouseOptions{Create: true}}, func() {})
	a, err := k.query(deadline(t, 10*time.Second), "SELECT count(IN_BYTES) FROM weir.flow")
	if err != nil || strings.TrimSpace(string(a.body)) != "5" {
		t.Errorf("%s flows with octets (%v), want 5", a.body, err)
	}
}
