package app

import "github.com/weir-probe/weir/dataplane/flow"

var quicFields = []*flow.Field{
	QUICVersion, QUICDCID, QUICSCID, QUICServerSCID, QUICServerVersion, QUICOffered, QUICRetry, QUICTokenLength,
	QUICEarlyData, QUICError, QUICReason, QUICUserAgent, QUICIdleTimeout, QUICMaxPayload, QUICClientVersions,
	QUICMaxData,
}

// quicAnswerFields are what the server's hello says, as in TLS 1.3.
var quicAnswerFields = []*flow.Field{
	TLSVersion, TLSCipher, TLSUnsafeCipher, TLSGroup, TLSResumed, TLSHelloRetry, JA3Server,
}

// How a connection begins.
var (
	QUICVersion = &flow.Field{
		Element: flow.Element{Label: "QUIC_VERSION", ID: 240, PEN: flow.Weir},
		Type:    flow.Unsigned32,
		Doc:     "Version of QUIC that the client began with, as on the wire: 1, or 1798521807 for version 2.",
	}
	QUICDCID = &flow.Field{
		Element: flow.Element{Label: "QUIC_DCID", ID: 241, PEN: flow.Weir},
		Type:    flow.OctetArray, Width: quicMaxCID,
		Doc: "Connection identifier that the client's first packet was sent to.",
	}
	QUICSCID = &flow.Field{
		Element: flow.Element{Label: "QUIC_SCID", ID: 242, PEN: flow.Weir},
		Type:    flow.OctetArray, Width: quicMaxCID,
		Doc: "Connection identifier that the client chose for itself, not said if it has no octets.",
	}
	QUICServerSCID = &flow.Field{
		Element: flow.Element{Label: "QUIC_SERVER_SCID", ID: 243, PEN: flow.Weir},
		Type:    flow.OctetArray, Width: quicMaxCID,
		Doc: "Connection identifier that the server chose for itself, not said if it has no octets.",
	}
	QUICServerVersion = &flow.Field{
		Element: flow.Element{Label: "QUIC_SERVER_VERSION", ID: 244, PEN: flow.Weir},
		Type:    flow.Unsigned32,
		Doc:     "Version of QUIC that the server answered in, as on the wire.",
	}
	QUICOffered = &flow.Field{
		Element: flow.Element{Label: "QUIC_VERSIONS_OFFERED", ID: 245, PEN: flow.Weir},
		Type:    flow.String, Width: 64,
		Doc: "Versions that the server offered instead of the client's, hexadecimal, with commas between them.",
	}
	QUICRetry = &flow.Field{
		Element: flow.Element{Label: "QUIC_RETRY", ID: 246, PEN: flow.Weir},
		Type:    flow.Unsigned8,
		Doc:     "Whether the server had the client prove its address with a Retry: 1, not said otherwise.",
	}
	QUICTokenLength = &flow.Field{
		Element: flow.Element{Label: "QUIC_TOKEN_LENGTH", ID: 247, PEN: flow.Weir},
		Type:    flow.Unsigned16,
		Doc:     "Octets of the token of an earlier connection in the client's first packet, if there is one.",
	}
	QUICEarlyData = &flow.Field{
		Element: flow.Element{Label: "QUIC_EARLY_DATA", ID: 248, PEN: flow.Weir},
		Type:    flow.Unsigned8,
		Doc:     "Whether the client sent data before the server answered (0-RTT): 1, not said otherwise.",
	}
)

// How an attempt ends before the handshake does.
var (
	QUICError = &flow.Field{
		Element: flow.Element{Label: "QUIC_ERROR", ID: 249, PEN: flow.Weir},
		Type:    flow.Unsigned64,
		Doc:     "Error that the connection was closed with before its handshake; 256 and more are alerts of TLS.",
	}
	QUICReason = &flow.Field{
		Element: flow.Element{Label: "QUIC_ERROR_REASON", ID: 250, PEN: flow.Weir},
		Type:    flow.String, Width: 64,
		Doc: "First 64 octets of the reason given with the error.",
	}
)

// What the client says about itself (RFC 9000, section 18.2).
var (
	QUICUserAgent = &flow.Field{
		Element: flow.Element{Label: "QUIC_USER_AGENT", ID: 251, PEN: flow.Weir, ECS: "user_agent.original"},
		Type:    flow.String, Width: 64,
		Doc: "Software of the client, which only that of Google tells.",
	}
	QUICIdleTimeout = &flow.Field{
		Element: flow.Element{Label: "QUIC_IDLE_TIMEOUT", ID: 252, PEN: flow.Weir},
		Type:    flow.Unsigned32,
		Doc:     "Time without packets after which the client gives the connection up, in milliseconds.",
	}
	QUICMaxPayload = &flow.Field{
		Element: flow.Element{Label: "QUIC_MAX_UDP_PAYLOAD", ID: 253, PEN: flow.Weir},
		Type:    flow.Unsigned16,
		Doc:     "Longest datagram that the client takes, in octets.",
	}
	QUICClientVersions = &flow.Field{
		Element: flow.Element{Label: "QUIC_CLIENT_VERSIONS", ID: 254, PEN: flow.Weir},
		Type:    flow.String, Width: 64,
		Doc: "Versions that the client knows (RFC 9368), hexadecimal, with commas between them.",
	}
	QUICMaxData = &flow.Field{
		Element: flow.Element{Label: "QUIC_MAX_DATA", ID: 255, PEN: flow.Weir},
		Type:    flow.Unsigned64,
		Doc:     "Octets that the client takes at first on all streams together.",
	}
)
