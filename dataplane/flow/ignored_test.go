package flow

import "testing"

// What is measured of a connection is absent where many are counted as one flow.
func TestIgnoredConnection(t *testing.T) {
	s, err := Compile(All()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, label := range []string{"RETRANSMITTED_IN_PKTS", "OOORDER_OUT_PKTS", "TCP_LOST_IN_BYTES"} {
		f := s.Named(label)
		r := Record{Hot: Hot{Key: Key{Proto: protoTCP, Version: 4}}}
		v := View{Record: &r}
		if _, ok := v.Value(f); !ok {
			t.Errorf("%s is absent from a TCP flow", label)
		}
		for _, part := range []KeyPart{KeyAddresses, KeyPorts, KeyProto} {
			r.Ignored = part
			if _, ok := v.Value(f); ok {
				t.Errorf("%s is there although part %d of the key was ignored", label, part)
			}
		}
	}
}
