package flow

// leaseFields are attributes that the control plane adds from what DHCP has said of addresses.
var leaseFields = []*Field{SrcLeaseMAC, DstLeaseMAC, SrcLeaseName, DstLeaseName}

// Who has the addresses of a flow.
var (
	SrcLeaseMAC = &Field{
		Element: Element{Label: "SRC_DHCP_MAC", ID: 930, PEN: Weir},
		Type:    MACAddress,
		Doc:     "MAC address of who had the client's address while the flow lasted, as DHCP gave it.",
	}
	DstLeaseMAC = &Field{
		Element: Element{Label: "DST_DHCP_MAC", ID: 931, PEN: Weir},
		Type:    MACAddress,
		Doc:     "MAC address of who had the server's address while the flow lasted, as DHCP gave it.",
	}
	SrcLeaseName = &Field{
		Element: Element{Label: "SRC_DHCP_NAME", ID: 932, PEN: Weir},
		Type:    String, Width: 64,
		Doc: "Host name of who had the client's address while the flow lasted, as it told DHCP.",
	}
	DstLeaseName = &Field{
		Element: Element{Label: "DST_DHCP_NAME", ID: 933, PEN: Weir},
		Type:    String, Width: 64,
		Doc: "Host name of who had the server's address while the flow lasted, as it told DHCP.",
	}
)
