package app

import (
	"strconv"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// RPC is version 2 of ONC RPC (RFC 5531) over UDP and TCP, with what is called of the port mapper, of NFS
// (RFC 1813, RFC 7530, RFC 8881) and of the protocols around it. A message is a record. Calls and replies
// meet by their identifier.
var RPC = Dissector{
	Name: "rpc", Number: numberRPC,
	Doc:   "ONC RPC: programs, procedures and states, users by AUTH_SYS, and NFS, mounts and port mappers.",
	TCP:   on(111, 2049),
	UDP:   on(111, 2049),
	First: "\x00", At: 8, // of the version of a call, the state of a reply; in streams of either's kind
	Fields: rpcFields,
	Pair:   ByKey,
	State:  unsafe.Sizeof(rpcState{}),
	Parse:  parseRPC,
}

const (
	numberRPC = 127
	numberNFS = 11
)

// Fields of ONC RPC.
var (
	RPCProgram = dbWords(860, "RPC_PROGRAM", 12, "Program of ONC RPC that is called: its name, or its number.")
	RPCVersion = dbNumber(861, "RPC_PROGRAM_VERSION", flow.Unsigned32, "Version of the program of ONC RPC that is called.")
	RPCCall    = dbWords(862, "RPC_PROCEDURE", 16, "Procedure of ONC RPC that is called: its name, or its number.")
	RPCStatus  = dbWords(863, "RPC_STATUS", 16,
		"How the call of ONC RPC went: SUCCESS, or why it was not done, as PROG_UNAVAIL or AUTH_ERROR (RFC 5531).")
	RPCFlavor  = dbWords(864, "RPC_AUTH", 12, "How the caller of ONC RPC says who he is: AUTH_NONE, AUTH_SYS, RPCSEC_GSS.")
	RPCUser    = dbNumber(865, "RPC_UID", flow.Unsigned32, "Number of the user who calls, by AUTH_SYS.")
	RPCMachine = dbWords(866, "RPC_MACHINE", 32, "Machine of the caller, by AUTH_SYS.")
	RPCPath    = dbWords(867, "RPC_PATH", 64, "Path that is mounted, or name that is looked up by NFS.")
	NFSStatus  = dbNumber(868, "NFS_STATUS", flow.Unsigned32,
		"State with which NFS, or what mounts it, answers: 0 for success, as 2 for no such file (RFC 1813, section 2.6).")
)

var rpcFields = []*flow.Field{
	RPCProgram, RPCVersion, RPCCall, RPCStatus, RPCFlavor, RPCUser, RPCMachine, RPCPath, NFSStatus,
}

// Programs.
const (
	rpcPortmap = 100000
	rpcNFS     = 100003
	rpcMount   = 100005
)

// rpcPrograms are the names of programs (IANA's registry of ONC RPC program numbers).
var rpcPrograms = [...]struct {
	number uint32
	name   string
}{
	{rpcPortmap, "portmap"}, {100001, "rstat"}, {100002, "rusers"}, {rpcNFS, "nfs"}, {100004, "ypserv"},
	{rpcMount, "mount"}, {100007, "ypbind"}, {100008, "rwall"}, {100009, "yppasswd"}, {100011, "rquota"},
	{100012, "spray"}, {100020, "llockmgr"}, {100021, "nlockmgr"}, {100024, "status"}, {100026, "bootparam"},
	{100029, "keyserv"}, {100068, "cmsd"}, {100083, "ttdbserver"}, {100227, "nfs_acl"}, {150001, "pcnfsd"},
	{300019, "amd"}, {400122, "nfs_cb"},
}

// Procedures by program.
var (
	rpcPortmapV2 = [...]string{"NULL", "SET", "UNSET", "GETPORT", "DUMP", "CALLIT"}
	rpcBind      = [...]string{
		"NULL", "SET", "UNSET", "GETADDR", "DUMP", "BCAST", "GETTIME", "UADDR2TADDR", "TADDR2UADDR", "GETVERSADDR",
		"INDIRECT", "GETADDRLIST", "GETSTAT",
	}
	rpcMounts = [...]string{"NULL", "MNT", "DUMP", "UMNT", "UMNTALL", "EXPORT"}
	rpcNFSV2  = [...]string{
		"NULL", "GETATTR", "SETATTR", "ROOT", "LOOKUP", "READLINK", "READ", "WRITECACHE", "WRITE", "CREATE", "REMOVE",
		"RENAME", "LINK", "SYMLINK", "MKDIR", "RMDIR", "READDIR", "STATFS",
	}
	rpcNFSV3 = [...]string{
		"NULL", "GETATTR", "SETATTR", "LOOKUP", "ACCESS", "READLINK", "READ", "WRITE", "CREATE", "MKDIR", "SYMLINK",
		"MKNOD", "REMOVE", "RMDIR", "RENAME", "LINK", "READDIR", "READDIRPLUS", "FSSTAT", "FSINFO", "PATHCONF", "COMMIT",
	}
	rpcNFSV4 = [...]string{"NULL", "COMPOUND"}
)

const (
	rpcLooked    = 1024 // octets of a record that are looked at
	rpcMostAuth  = 400  // octets of a credential (RFC 5531, section 8.2)
	rpcMost      = 1 << 24
	rpcFlaw      = "ONC RPC: a call or a reply whose parts do not fit"
	rpcFlawFrame = "ONC RPC: a record of a length that cannot be"
)

// rpcState is what is known of a flow: the calls whose results are to be understood, and whether the record
// of a side goes on in another fragment.
type rpcState struct {
	begun bool
	goes  [2]bool
	next  uint8
	calls [32]struct {
		xid  uint32
		nfs  bool // results begin with a state
		used bool
	}
}

func parseRPC(m *Message) Verdict {
	s := Memory[rpcState](m)
	if !m.Stream {
		return s.record(m, m.Reader, 0)
	}
	b := m.Peek()
	if m.Lost && (!s.begun || !rpcLike(b, true)) || !s.begun && !rpcLike(b, false) {
		return Reject
	}
	goes := s.goes[m.Dir] && !m.Lost
	r := m.Reader
	mark := r.U32()
	size, last := int(mark&^(1<<31)), mark>>31 != 0
	switch {
	case r.Short():
		m.Skip(5)
		return More
	case size > rpcMost || size == 0 && !last:
		m.Malformed(rpcFlawFrame)
		m.Ahead(ToEnd)
		return Accept
	case goes:
		s.goes[m.Dir] = !last
		m.Skip(4)
		m.Ahead(uint64(size))
		return Accept
	}
	look := min(size, rpcLooked)
	if r.Len() < look {
		m.Skip(4 + look)
		return More
	}
	v := s.record(m, r.Block(look), 4)
	if v == Accept {
		s.goes[m.Dir] = !last
		m.Ahead(uint64(size - look))
	}
	return v
}

// rpcLike reports whether octets may be a record mark with a call, or with a reply, too.
func rpcLike(b []byte, reply bool) bool {
	for i, c := range b[:min(len(b), 16)] {
		switch {
		case i == 0 && c&0x7f != 0, i == 1 && c > 0x7f, i >= 8 && i < 11 && c != 0, i == 11 && c > 1,
			i == 11 && c == 1 && !reply, i >= 12 && i < 15 && c != 0 && len(b) > 11 && b[11] == 0,
			i == 15 && len(b) > 11 && b[11] == 0 && c != 2:
			return false
		}
	}
	return len(b) > 0
}

// record reads a call or a reply. It is at an offset of the message.
func (s *rpcState) record(m *Message, r wire.Reader, at int) Verdict {
	size := at + r.Len()
	xid, kind := r.U32(), r.U32()
	switch {
	case r.Short() && !s.begun, kind > 1:
		return s.broken(m, size)
	case kind == 1:
		return s.reply(m, r, xid, size)
	}
	version, program, number, procedure := r.U32(), r.U32(), r.U32(), r.U32()
	flavor, credential := r.U32(), r.U32()
	if r.Short() || version != 2 || program < rpcPortmap || program >= 1<<31 || number > 255 || procedure > 255 ||
		flavor > 6 && flavor < 300000 || flavor > 400000 || credential > rpcMostAuth {
		return s.broken(m, size)
	}
	who := r.Block(int(credential+3) &^ 3)
	verifier := r.U32()
	proof := r.U32()
	r.Skip(int(proof+3) &^ 3)
	if (r.Short() || verifier > 400000 || proof > rpcMostAuth) && !m.Cut {
		return s.broken(m, size)
	}
	s.begun = true
	e := &s.calls[s.next]
	s.next = (s.next + 1) % uint8(len(s.calls))
	e.xid, e.used = xid, true
	e.nfs = program == rpcNFS && procedure > 0 || program == rpcMount && procedure == 1
	m.Request(uint64(xid) | 1<<32)
	rpcSayCall(m, program, number, procedure)
	rpcSayCaller(m, flavor, who)
	rpcSayPath(m, r, program, number, procedure)
	if program == rpcNFS {
		m.Is(numberNFS)
	}
	m.Skip(size)
	return Accept
}

// broken gives up, or passes over what does not fit of a flow that is known.
func (s *rpcState) broken(m *Message, size int) Verdict {
	if !s.begun || !m.Stream {
		return Reject
	}
	m.Malformed(rpcFlaw)
	m.Skip(size)
	return Accept
}

// rpcSayCall says what is called.
func rpcSayCall(m *Message, program, version, procedure uint32) {
	name := ""
	for _, p := range rpcPrograms {
		if p.number == program {
			name = p.name
		}
	}
	var room [12]byte
	if name != "" {
		m.Attrs.Text(RPCProgram, name)
	} else {
		m.Attrs.Bytes(RPCProgram, strconv.AppendUint(room[:0], uint64(program), 10))
	}
	m.Attrs.Uint(RPCVersion, uint64(version))
	var names []string
	switch {
	case program == rpcPortmap && version == 2:
		names = rpcPortmapV2[:]
	case program == rpcPortmap:
		names = rpcBind[:]
	case program == rpcMount:
		names = rpcMounts[:]
	case program == rpcNFS && version == 2:
		names = rpcNFSV2[:]
	case program == rpcNFS && version == 3:
		names = rpcNFSV3[:]
	case program == rpcNFS:
		names = rpcNFSV4[:]
	}
	switch {
	case int(procedure) < len(names):
		m.Attrs.Text(RPCCall, names[procedure])
	case procedure == 0:
		m.Attrs.Text(RPCCall, "NULL")
	default:
		m.Attrs.Bytes(RPCCall, strconv.AppendUint(room[:0], uint64(procedure), 10))
	}
}

// rpcSayCaller says who calls (RFC 5531, appendix A).
func rpcSayCaller(m *Message, flavor uint32, r wire.Reader) {
	switch flavor {
	case 0:
		m.Attrs.Text(RPCFlavor, "AUTH_NONE")
	case 1:
		m.Attrs.Text(RPCFlavor, "AUTH_SYS")
		r.Skip(4)
		n := r.U32()
		machine := r.Bytes(int(min(n, dbMaxText)))
		r.Skip(int(-n & 3))
		if user := r.U32(); !r.Short() {
			m.Attrs.Bytes(RPCMachine, machine)
			m.Attrs.Uint(RPCUser, uint64(user))
		}
	case 2:
		m.Attrs.Text(RPCFlavor, "AUTH_SHORT")
	case 3:
		m.Attrs.Text(RPCFlavor, "AUTH_DH")
	case 6:
		m.Attrs.Text(RPCFlavor, "RPCSEC_GSS")
	}
}

// rpcSayPath says what is mounted, or the name that a procedure of NFS is about, which is behind the handle
// of a directory.
func rpcSayPath(m *Message, r wire.Reader, program, version, procedure uint32) {
	switch {
	case program == rpcMount && (procedure == 1 || procedure == 3):
	case program == rpcNFS && version == 3 && (procedure == 3 || procedure >= 8 && procedure <= 14):
		r.Skip(int(min(r.U32(), 64)+3) &^ 3)
	case program == rpcNFS && version == 2 && (procedure == 4 || procedure >= 9 && procedure <= 15 && procedure != 12):
		r.Skip(32)
	default:
		return
	}
	if name := r.Bytes(int(min(r.U32(), dbMaxText))); !r.Short() && len(name) > 0 {
		m.Attrs.Bytes(RPCPath, name)
	}
}

// rpcAccepted are states of calls that are accepted.
var rpcAccepted = [...]string{
	"SUCCESS", "PROG_UNAVAIL", "PROG_MISMATCH", "PROC_UNAVAIL", "GARBAGE_ARGS", "SYSTEM_ERR",
}

// reply reads how a call went.
func (s *rpcState) reply(m *Message, r wire.Reader, xid uint32, size int) Verdict {
	if !s.begun {
		return Reject
	}
	status := r.U32()
	m.Skip(size)
	switch {
	case status == 1 && r.U32() == 0:
		m.Attrs.Text(RPCStatus, "RPC_MISMATCH")
	case status == 1:
		m.Attrs.Text(RPCStatus, "AUTH_ERROR")
	case status == 0:
		r.Skip(4)
		r.Skip(int(min(r.U32(), rpcMostAuth)+3) &^ 3)
		accepted := r.U32()
		if r.Short() || int(accepted) >= len(rpcAccepted) {
			m.Malformed(rpcFlaw)
			break
		}
		m.Attrs.Text(RPCStatus, rpcAccepted[accepted])
		for i := range s.calls {
			if e := &s.calls[i]; e.used && e.xid == xid && e.nfs && accepted == 0 {
				if state := r.U32(); !r.Short() {
					m.Attrs.Uint(NFSStatus, uint64(state))
				}
				break
			}
		}
	default:
		m.Malformed(rpcFlaw)
	}
	m.Response(uint64(xid) | 1<<32)
	m.Finish()
	return Accept
}
