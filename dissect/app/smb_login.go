package app

import "bytes"

// logs reads the token of a SESSION_SETUP: NTLM's says who logs in ([MS-NLMP], section 2.2.1.3), Kerberos's
// is encrypted. Nothing of what proves it is looked at.
func (t *smbTurn) logs(b []byte) {
	at := bytes.Index(b, []byte("NTLMSSP\x00"))
	if at < 0 {
		if bytes.Contains(b, []byte("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02")) { // 1.2.840.113554.1.2.2
			t.Attrs.Text(smbAuth, "kerberos")
		}
		return
	}
	b = b[at:]
	t.Attrs.Text(smbAuth, "ntlm")
	if le32(b, 8) != 3 { // AUTHENTICATE_MESSAGE
		return
	}
	unicode := le32(b, 60)&1 != 0
	t.s.at.set(t.ntlm(b, 28, unicode))
	dbSayShort(t.Message, &t.s.at, smbDomain)
	t.s.try.set(t.ntlm(b, 36, unicode))
	dbSayShort(t.Message, &t.s.try, smbUser, FlowUser)
	sayText(&t.Attrs, smbHost, t.ntlm(b, 44, unicode))
}

// ntlm returns the text whose length and offset are at a place.
func (t *smbTurn) ntlm(b []byte, at int, unicode bool) []byte {
	length, offset := int(le16(b, at)), le32(b, at+4)
	if uint64(offset) > uint64(len(b)) {
		return nil
	}
	text := cut(b[offset:], length)
	if !unicode {
		return text
	}
	return t.text(text)
}

func smbDialectOf(n uint16) string {
	switch n {
	case 0x202:
		return "2.0.2"
	case 0x210:
		return "2.1"
	case 0x2ff:
		return "2.*"
	case 0x300:
		return "3.0"
	case 0x302:
		return "3.0.2"
	case 0x311:
		return "3.1.1"
	}
	return ""
}

// smbStatusOf returns the name of an NTSTATUS ([MS-ERREF], section 2.3.1).
func smbStatusOf(n uint32) string {
	for _, x := range smbStatuses {
		if x.code == n {
			return x.name
		}
	}
	return ""
}

var smbStatuses = [...]struct {
	code uint32
	name string
}{
	{0, "SUCCESS"}, {0x103, "PENDING"}, {0x10b, "NOTIFY_CLEANUP"}, {0x10c, "NOTIFY_ENUM_DIR"}, {0x80000005,
		"BUFFER_OVERFLOW"},
	{0x80000006, "NO_MORE_FILES"}, {0xc0000001, "UNSUCCESSFUL"}, {0xc0000003, "INVALID_INFO_CLASS"},
	{0xc0000008, "INVALID_HANDLE"}, {0xc000000d, "INVALID_PARAMETER"}, {0xc000000f, "NO_SUCH_FILE"},
	{0xc0000010, "INVALID_DEVICE_REQUEST"}, {0xc0000011, "END_OF_FILE"}, {0xc0000016,
		"MORE_PROCESSING_REQUIRED"},
	{0xc0000022, "ACCESS_DENIED"}, {0xc0000023, "BUFFER_TOO_SMALL"}, {0xc0000033, "OBJECT_NAME_INVALID"},
	{0xc0000034, "OBJECT_NAME_NOT_FOUND"}, {0xc0000035, "OBJECT_NAME_COLLISION"}, {0xc000003a,
		"OBJECT_PATH_NOT_FOUND"},
	{0xc0000043, "SHARING_VIOLATION"}, {0xc0000056, "DELETE_PENDING"}, {0xc0000061, "PRIVILEGE_NOT_HELD"},
	{0xc0000064, "NO_SUCH_USER"}, {0xc000006a, "WRONG_PASSWORD"}, {0xc000006d, "LOGON_FAILURE"},
	{0xc000006e, "ACCOUNT_RESTRICTION"}, {0xc0000070, "INVALID_WORKSTATION"}, {0xc0000071, "PASSWORD_EXPIRED"},
	{0xc0000072, "ACCOUNT_DISABLED"}, {0xc000007f, "DISK_FULL"}, {0xc00000ba, "FILE_IS_A_DIRECTORY"},
	{0xc00000bb, "NOT_SUPPORTED"}, {0xc00000c9, "NETWORK_NAME_DELETED"}, {0xc00000ca, "NETWORK_ACCESS_DENIED"},
	{0xc00000cc, "BAD_NETWORK_NAME"}, {0xc0000101, "DIRECTORY_NOT_EMPTY"}, {0xc0000103, "NOT_A_DIRECTORY"},
	{0xc0000120, "CANCELLED"}, {0xc0000128, "FILE_CLOSED"}, {0xc000015b, "LOGON_TYPE_NOT_GRANTED"},
	{0xc0000203, "USER_SESSION_DELETED"}, {0xc0000225, "NOT_FOUND"}, {0xc0000234, "ACCOUNT_LOCKED_OUT"},
	{0xc0000257, "PATH_NOT_COVERED"}, {0xc000035c, "NETWORK_SESSION_EXPIRED"},
}
