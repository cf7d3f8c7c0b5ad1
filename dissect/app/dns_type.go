package app

// dnsRR is a type of resource records: its name and how its data is laid out, an octet for
// each part (see dnsMessage.part). Data of types without a layout is written as RFC 3597,
// section 5, says.
type dnsRR struct{ name, layout string }

// Types that are treated in a particular way.
const (
	typeA    = 1
	typeNS   = 2
	typeSOA  = 6
	typeAAAA = 28
	typeOPT  = 41
	typeIXFR = 251
	typeAXFR = 252
	typeNBNS = 32 // NetBIOS names look like DNS (RFC 1002, section 4.2.1.3)
	typeNBST = 33
	typeTA   = 32768
	typeDLV  = 32769
)

// dnsTypes are the types of IANA's registry "Resource Record (RR) TYPEs" by number; the two
// above are in dnsType.
var dnsTypes = [...]dnsRR{
	1: {"A", "a"}, 2: {"NS", "n"}, 3: {"MD", "n"}, 4: {"MF", "n"}, 5: {"CNAME", "n"}, 6: {"SOA", "nn44444"},
	7: {"MB", "n"}, 8: {"MG", "n"}, 9: {"MR", "n"}, 10: {"NULL", ""}, 11: {"WKS", ""}, 12: {"PTR", "n"},
	13: {"HINFO", "ss"}, 14: {"MINFO", "nn"}, 15: {"MX", "2n"}, 16: {"TXT", "S"}, 17: {"RP", "nn"},
	18: {"AFSDB", "2n"}, 19: {"X25", "s"}, 20: {"ISDN", "S"}, 21: {"RT", "2n"}, 22: {"NSAP", ""},
	23: {"NSAP-PTR", "n"}, 24: {"SIG", "t114TT2nr"}, 25: {"KEY", "211k"}, 26: {"PX", "2nn"},
	27: {"GPOS", "sss"}, 28: {"AAAA", "6"}, 29: {"LOC", ""}, 30: {"NXT", "nr"}, 31: {"EID", ""},
	32: {"NIMLOC", ""}, 33: {"SRV", "222n"}, 34: {"ATMA", ""}, 35: {"NAPTR", "22sssn"}, 36: {"KX", "2n"},
	37: {"CERT", "221r"}, 38: {"A6", ""}, 39: {"DNAME", "n"}, 40: {"SINK", ""}, 41: {"OPT", ""},
	42: {"APL", ""}, 43: {"DS", "211x"}, 44: {"SSHFP", "11x"}, 45: {"IPSECKEY", ""},
	46: {"RRSIG", "t114TT2nr"}, 47: {"NSEC", "nB"}, 48: {"DNSKEY", "211k"}, 49: {"DHCID", "b"},
	50: {"NSEC3", "112h3B"}, 51: {"NSEC3PARAM", "112h"}, 52: {"TLSA", "111x"}, 53: {"SMIMEA", "111x"},
	55: {"HIP", ""}, 56: {"NINFO", "S"}, 57: {"RKEY", "211k"}, 58: {"TALINK", "nn"}, 59: {"CDS", "211x"},
	60: {"CDNSKEY", "211k"}, 61: {"OPENPGPKEY", "b"}, 62: {"CSYNC", "42B"}, 63: {"ZONEMD", "411x"},
	64: {"SVCB", "2np"}, 65: {"HTTPS", "2np"}, 66: {"DSYNC", "t12n"}, 67: {"HHIT", "b"}, 68: {"BRID", "b"},
	99: {"SPF", "S"}, 100: {"UINFO", ""}, 101: {"UID", ""}, 102: {"GID", ""}, 103: {"UNSPEC", ""},
	104: {"NID", "2x"}, 105: {"L32", "2a"}, 106: {"L64", "2x"}, 107: {"LP", "2n"}, 108: {"EUI48", "e"},
	109: {"EUI64", "e"}, 128: {"NXNAME", ""}, 249: {"TKEY", "nr"}, 250: {"TSIG", "nr"}, 251: {"IXFR", ""},
	252: {"AXFR", ""}, 253: {"MAILB", ""}, 254: {"MAILA", ""}, 255: {"ANY", ""}, 256: {"URI", "22q"},
	257: {"CAA", "1cq"}, 258: {"AVC", "S"}, 259: {"DOA", ""}, 260: {"AMTRELAY", ""}, 261: {"RESINFO", "S"},
	262: {"WALLET", "S"}, 263: {"CLA", "S"}, 264: {"IPN", ""},
}

// dnsType returns the type with a number; the name is empty if none has it.
func dnsType(n uint16) dnsRR {
	switch {
	case int(n) < len(dnsTypes):
		return dnsTypes[n]
	case n == typeTA:
		return dnsRR{"TA", "211x"}
	case n == typeDLV:
		return dnsRR{"DLV", "211x"}
	}
	return dnsRR{}
}

// Names of numbers in headers (IANA, "Domain Name System (DNS) Parameters").
var (
	dnsClasses = [...]string{1: "IN", 2: "CS", 3: "CH", 4: "HS", 254: "NONE", 255: "ANY"}
	dnsOpcodes = [...]string{0: "QUERY", 1: "IQUERY", 2: "STATUS", 4: "NOTIFY", 5: "UPDATE", 6: "DSO"}
	dnsRcodes  = [...]string{
		0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED",
		6: "YXDOMAIN", 7: "YXRRSET", 8: "NXRRSET", 9: "NOTAUTH", 10: "NOTZONE", 11: "DSOTYPENI",
		16: "BADVERS", 17: "BADKEY", 18: "BADTIME", 19: "BADMODE", 20: "BADNAME", 21: "BADALG",
		22: "BADTRUNC", 23: "BADCOOKIE",
	}
	svcKeys = [...]string{
		"mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint", "dohpath", "ohttp",
		"tls-supported-groups", "docpath", "pvd", "oots",
	}
)

// Opcodes and classes with rules of their own.
const (
	opNotify = 4
	opUpdate = 5
	opDSO    = 6

	classIN   = 1
	classNONE = 254
)

// named returns the name of a number, empty if it has none.
func dnsNamed(names []string, n uint16) string {
	if int(n) < len(names) {
		return names[n]
	}
	return ""
}
