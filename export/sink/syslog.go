package sink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
)

// SyslogOptions say what the header of a syslog message holds (RFC 5424, section 6.2). The zero
// value stands for local0, informational, the name of this host and "weir".
type SyslogOptions struct {
	Facility string `toml:"facility"` // by keyword, as daemon or local0
	Severity string `toml:"severity"` // by keyword, as info or notice
	Hostname string `toml:"hostname"`
	AppName  string `toml:"app_name"`
}

// Keywords of facilities and severities by their number (RFC 5424, table 1 and 2, as syslog(3) calls them).
var (
	facilities = strings.Fields("kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert " +
		"clock local0 local1 local2 local3 local4 local5 local6 local7")
	severities = strings.Fields("emerg alert crit err warning notice info debug")
)

// Check returns what is wrong with the options, and what to do about it.
func (o *SyslogOptions) Check() error {
	if o.Facility != "" && !slices.Contains(facilities, o.Facility) {
		return fmt.Errorf("facility %q is unknown; use one of %s", o.Facility, strings.Join(facilities, " "))
	}
	if o.Severity != "" && !slices.Contains(severities, o.Severity) {
		return fmt.Errorf("severity %q is unknown; use one of %s", o.Severity, strings.Join(severities, " "))
	}
	for _, name := range [...]struct {
		key, value string
		most       int
	}{{"hostname", o.Hostname, 255}, {"app_name", o.AppName, 48}} {
		if len(name.value) > name.most || !printable(name.value) {
			return fmt.Errorf("%s %q is not up to %d visible characters without spaces; shorten it",
				name.key, name.value, name.most)
		}
	}
	return nil
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// syslog writes each record as a message of its own (RFC 5424), with its identifier and kind as
// structured data. On a stream the messages are framed (RFC 6587, RFC 5425), else each is a
// datagram (RFC 5426).
type syslog struct {
	export.Sink
	framing   Framing
	datagrams bool
	priority  string // what precedes the time
	name      string // what follows it, up to the message's own
	out, one  []byte
}

func openSyslogUDP(place string, o Options) (export.Sink, error) {
	k, err := openUDP(place, o)
	if err != nil {
		return nil, err
	}
	return newSyslog(k, true, o)
}

func openSyslogTCP(place string, o Options) (export.Sink, error) {
	k, err := newTCP(place, o)
	if err != nil {
		return nil, err
	}
	return newSyslog(k, false, o)
}

func openSyslogTLS(place string, o Options) (export.Sink, error) {
	k, err := newTCP(place, o)
	if err = errors.Join(err, o.TLS.Check()); err != nil {
		return nil, err
	}
	k.secure = &o.TLS
	return newSyslog(k, false, o)
}

func newSyslog(k export.Sink, datagrams bool, all Options) (export.Sink, error) {
	o := &all.Syslog
	if err := o.Check(); err != nil {
		return nil, err
	}
	host := o.Hostname
	if host == "" {
		host, _ = os.Hostname()
	}
	s := &syslog{Sink: k, framing: all.Framing, datagrams: datagrams}
	if s.framing == Lines {
		s.framing = OctetCounting // what every receiver of RFC 5425 takes, and a record may hold any octet
	}
	facility, severity := slices.Index(facilities, o.Facility), slices.Index(severities, o.Severity)
	if facility < 0 {
		facility = slices.Index(facilities, "local0")
	}
	if severity < 0 {
		severity = slices.Index(severities, "info")
	}
	s.priority = fmt.Sprintf("<%d>1 ", facility<<3|severity)
	s.name = " " + orNil(host) + " " + orNil(orElse(o.AppName, "weir")) + " " + strconv.Itoa(os.Getpid()) + " "
	return s, nil
}

// orNil returns the NILVALUE of RFC 5424 for a name that is empty or cannot be written.
func orNil(s string) string {
	if s == "" || !printable(s) {
		return "-"
	}
	return s
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Send takes no messages of which it does not know the records.
func (k *syslog) Send(context.Context, []byte) error {
	return fmt.Errorf("syslog needs records of their own: %w", export.ErrUndeliverable)
}

// Store writes the records of the message.
func (k *syslog) Store(ctx context.Context, message []byte, of export.Batch) error {
	k.out = k.out[:0]
	refused := &export.Refused{}
	for i := range of.Items {
		record, err := recordOf(message, of, i)
		if err != nil {
			return err
		}
		record = lineOf(record)
		k.one = k.write(k.one[:0], record, &of.Items[i])
		if !k.datagrams {
			k.out = k.framing.frame(k.out, k.one)
			continue
		}
		switch err := k.Sink.Send(ctx, k.one); {
		case errors.Is(err, export.ErrUndeliverable) && !errors.Is(err, net.ErrClosed):
			refused.Records, refused.Err = refused.Records+1, err
		case err != nil:
			return err
		}
	}
	if refused.Err != nil {
		return refused
	}
	if k.datagrams {
		return nil
	}
	return k.Sink.Send(ctx, k.out)
}

// write appends a record as a syslog message.
func (k *syslog) write(dst, record []byte, i *export.Item) []byte {
	dst = append(dst, k.priority...)
	dst = time.Unix(0, int64(i.Time)).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000Z")
	dst = append(append(dst, k.name...), i.Kind.String()...)
	dst = fmt.Appendf(dst, ` [record@%d id="%x"] `, flow.Weir, i.ID)
	return append(dst, record...)
}
