package app

import (
	"slices"

	"github.com/weir-probe/weir/dataplane/flow"
)

// All lists every dissector. Its position is its number in what goes from worker to control
// plane; new ones go at the end.
var All = []*Dissector{
	&SSH, &DNS,
	&TLS, &DTLS, &QUIC,
	&HTTP, &HTTP2,
	&SIP, &STUN, &RTP,
	&MySQL, &PostgreSQL, &Redis,
	&SMTP, &IMAP, &POP3,
	&RADIUS,
	&Oracle,
	&FTP,
	&MQTT,
	&Modbus,
	&MongoDB,
	&NTP,
	&OpenVPN,
	&RPC,
	&RTSP,
	&SNMP,
	&TDS,
	&VNC,
	&WireGuard,
	&TFTP,
	&SMB,
	&NetBIOS,
	&RDP,
	&SSDP,
	&Syslog,
	&LDAP,
	&Kerberos,
	&DHCP,
	&DHCPv6,
	&BGP,
	&GTP,
	&PFCP,
	&Diameter,
	&S1AP,
	&NGAP,
	&BitTorrent,
	&BMP,
}

// Fields returns the fields of transactions and of all dissectors, those that several have once.
func Fields() (all []*flow.Field) {
	all = append(all, transactionFields...)
	for _, d := range All {
		for _, f := range d.Fields {
			if !slices.Contains(all, f) {
				all = append(all, f)
			}
		}
	}
	return all
}
