package app

import (
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

func FuzzLDAP(f *testing.F)     { fuzzPieces(f, &LDAP) }
func FuzzKerberos(f *testing.F) { fuzzPieces(f, &Kerberos) }

// TestLDAPFilter holds how filters read.
func TestLDAPFilter(t *testing.T) {
	for encoded, want := range map[string]string{
		"\x87\x0bobjectClass": "(objectClass=*)",
		"\xa0\x16\xa3\x06\x04\x01a\x04\x01b\xa2\x0c\xa5\x0a\x04\x02cn\x04\x04Anna": "(&(a=b)(!(cn>=Anna)))",
		"\xa4\x0c\x04\x02cn\x30\x06\x80\x01A\x82\x01b":                             "(cn=A*b)",
		"\xa4\x09\x04\x02cn\x30\x03\x81\x01x":                                      "(cn=*x*)",
	} {
		r := wire.Read([]byte(encoded))
		if got := appendFilter(make([]byte, 0, 255), &r, 0); string(got) != want {
			t.Errorf("%x reads %q, want %q", encoded, got, want)
		}
	}
	deep := strings.Repeat("\xa2\x7e", 200)
	r := wire.Read([]byte(deep))
	if got := appendFilter(make([]byte, 0, 255), &r, 0); len(got) > 255 {
		t.Errorf("%d octets", len(got))
	}
}

// TestDirectoriesRefuse holds what is not LDAP and not Kerberos.
func TestDirectoriesRefuse(t *testing.T) {
	for _, said := range []string{
		"\x30\x26\x02\x01\x01\x04\x06public\xa0\x19\x02\x04",
		"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x09\x04\x00\x80\x00",
		"\x30\x05\x02\x01\x01\x42\x00", "\x6a\x03\x30\x01\x00",
		"\x00\x00\x00\x10\x6a\x0e\x30\x0c\xa1\x03\x02\x01\x04\xa2\x03\x02\x01\x0a",
	} {
		for _, proto := range []uint8{6, 17} {
			x := says("", proto, flow.Forward, []byte(said))
			for _, d := range []*Dissector{&LDAP, &Kerberos} {
				if o := drive(&x, d); len(o.messages) > 0 {
					t.Errorf("%x is taken for %s", said, d.Name)
				}
			}
		}
	}
}

// TestLDAPOracle compares names, results and mechanisms with what tshark says.
func TestLDAPOracle(t *testing.T) {
	of := func(field, operation string) func(m *heard) (string, bool) {
		return func(m *heard) (string, bool) {
			v, ok := m.Fields[field]
			return v, ok && m.Fields["LDAP_OPERATION"] == operation
		}
	}
	dbCompare(t, &LDAP, dbCaptures(t, "ldap", ""), []dbJudge{
		{"ldap.baseObject", of("LDAP_DN", "search"), nil},
		{"ldap.name", of("LDAP_DN", "bind"), nil},
		{"ldap.mechanism", func(m *heard) (string, bool) {
			v, ok := m.Fields["LDAP_AUTH"]
			return v, ok && v != "simple" && v != "anonymous"
		}, nil},
		{"ldap.resultCode", dbSays("LDAP_RESULT_CODE", ""), nil},
	}, nil)
}

// TestKerberosOracle compares principals and errors with what tshark says.
func TestKerberosOracle(t *testing.T) {
	dbCompare(t, &Kerberos, dbCaptures(t, "kerberos", ""), []dbJudge{
		{"kerberos.error_code", dbSays("KERBEROS_ERROR", ""), nil},
	}, nil)
}
