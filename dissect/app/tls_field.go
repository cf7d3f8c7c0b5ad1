package app

import "github.com/weir-probe/weir/dataplane/flow"

// tlsFields are what TLS and DTLS say. QUIC says those of the client's hello as well.
var tlsFields = []*flow.Field{
	TLSServerName, TLSVersion, TLSCipher, TLSUnsafeCipher, TLSALPN, TLSGroup, TLSResumed, TLSHelloRetry,
	TLSAlert, JA3Client, JA3Server, JA4Client,
	TLSClientALPN, TLSClientVersions, TLSClientCiphers, TLSClientResumes, TLSClientECH,
	CertSubject, CertIssuer, CertNames, CertSerial, CertNotBefore, CertNotAfter, CertSHA1, CertSHA256,
	CertSelfSigned, CertExpired, CertKey, CertKeyBits,
	ClientCertSubject, ClientCertIssuer, ClientCertSerial, ClientCertSHA256,
}

// helloFields are what the client's hello says, whatever it travels in.
var helloFields = []*flow.Field{
	TLSServerName, JA3Client, JA4Client,
	TLSClientALPN, TLSClientVersions, TLSClientCiphers, TLSClientResumes, TLSClientECH,
}

// What the client offers.
var (
	TLSServerName = &flow.Field{
		Element: flow.Element{Label: "TLS_SERVER_NAME", ID: 188, PEN: flow.Ntop,
			Aliases: []string{"SSL_SERVER_NAME"}, ECS: "tls.client.server_name"},
		Type: flow.String, Width: 48,
		Doc: "Name of the server that the client asked for (SNI).",
	}
	JA3Client = &flow.Field{
		Element: flow.Element{Label: "JA3C_HASH", ID: 489, PEN: flow.Ntop, ECS: "tls.client.ja3"},
		Type:    flow.String, Width: 32,
		Doc: "JA3 fingerprint of the client's hello.",
	}
	JA4Client = &flow.Field{
		Element: flow.Element{Label: "JA4C_HASH", ID: 576, PEN: flow.Ntop},
		Type:    flow.String, Width: 36,
		Doc: "JA4 fingerprint of the client's hello.",
	}
	TLSClientALPN = &flow.Field{
		Element: flow.Element{Label: "TLS_CLIENT_ALPN", ID: 190, PEN: flow.Weir},
		Type:    flow.String, Width: 32,
		Doc: "Application protocols that the client offers, with commas between them.",
	}
	TLSClientVersions = &flow.Field{
		Element: flow.Element{Label: "TLS_CLIENT_VERSIONS", ID: 191, PEN: flow.Weir},
		Type:    flow.String, Width: 32,
		Doc: "Versions that the client offers, hexadecimal as on the wire, with commas between them.",
	}
	TLSClientCiphers = &flow.Field{
		Element: flow.Element{Label: "TLS_CLIENT_CIPHERS", ID: 192, PEN: flow.Weir,
			ECS: "tls.client.supported_ciphers"},
		Type: flow.String, Width: 64,
		Doc: "First cipher suites that the client offers, hexadecimal as on the wire, with commas between them.",
	}
	TLSClientResumes = &flow.Field{
		Element: flow.Element{Label: "TLS_CLIENT_RESUMES", ID: 193, PEN: flow.Weir},
		Type:    flow.Unsigned8,
		Doc:     "Whether the client offers to resume a session or a key shared before: 1 if so, 0 if not.",
	}
	TLSClientECH = &flow.Field{
		Element: flow.Element{Label: "TLS_CLIENT_ECH", ID: 194, PEN: flow.Weir},
		Type:    flow.Unsigned8,
		Doc:     "Whether the hello has an encrypted one inside, real or for show: 1 if so, 0 if not.",
	}
)

// What the server chooses.
var (
	TLSVersion = &flow.Field{
		Element: flow.Element{Label: "TLS_VERSION", ID: 495, PEN: flow.Ntop,
			Aliases: []string{"SSL_VERSION"}, ECS: "tls.version"},
		Type: flow.Unsigned16,
		Doc:  "Version that the server chose, as on the wire: 769 is TLS 1.0, 772 is TLS 1.3.",
	}
	TLSCipher = &flow.Field{
		Element: flow.Element{Label: "TLS_CIPHER", ID: 493, PEN: flow.Ntop,
			Aliases: []string{"SSL_CIPHER"}, ECS: "tls.cipher"},
		Type: flow.Unsigned16,
		Doc:  "Cipher suite that the server chose, as IANA numbers them.",
	}
	TLSUnsafeCipher = &flow.Field{
		Element: flow.Element{Label: "TLS_UNSAFE_CIPHER", ID: 494, PEN: flow.Ntop,
			Aliases: []string{"SSL_UNSAFE_CIPHER"}},
		Type: flow.Unsigned8,
		Doc:  "Whether the cipher suite is unsafe: 1 if it has no authentication or a broken or no cipher, else 0.",
	}
	JA3Server = &flow.Field{
		Element: flow.Element{Label: "JA3S_HASH", ID: 490, PEN: flow.Ntop, ECS: "tls.server.ja3s"},
		Type:    flow.String, Width: 32,
		Doc: "JA3S fingerprint of the server's hello.",
	}
	TLSALPN = &flow.Field{
		Element: flow.Element{Label: "TLS_ALPN", ID: 195, PEN: flow.Weir, ECS: "tls.next_protocol"},
		Type:    flow.String, Width: 16,
		Doc: "Application protocol that the server chose, which is not visible from TLS 1.3 on.",
	}
	TLSGroup = &flow.Field{
		Element: flow.Element{Label: "TLS_GROUP", ID: 196, PEN: flow.Weir},
		Type:    flow.Unsigned16,
		Doc:     "Group or curve of the key exchange, as IANA numbers them.",
	}
	TLSResumed = &flow.Field{
		Element: flow.Element{Label: "TLS_RESUMED", ID: 197, PEN: flow.Weir, ECS: "tls.resumed"},
		Type:    flow.Unsigned8,
		Doc:     "Whether an earlier session goes on: 1 if so, 0 if not.",
	}
	TLSHelloRetry = &flow.Field{
		Element: flow.Element{Label: "TLS_HELLO_RETRY", ID: 198, PEN: flow.Weir},
		Type:    flow.Unsigned8,
		Doc:     "Whether the server asked for another hello: 1, not said otherwise.",
	}
	TLSAlert = &flow.Field{
		Element: flow.Element{Label: "TLS_ALERT", ID: 199, PEN: flow.Weir},
		Type:    flow.Unsigned8,
		Doc:     "First alert that was sent in clear, as IANA numbers their descriptions.",
	}
)
