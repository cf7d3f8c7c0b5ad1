package app

import "github.com/weir-probe/weir/dataplane/flow"

// Fields of a transaction of PFCP.
var (
	PFCPRequest = ours(770, "PFCP_REQ_MSG_TYPE", flow.Unsigned8,
		"Type of the request of PFCP: 1 Heartbeat, 5 Association Setup, 50, 52 and 54 Session Establishment, "+
			"Modification and Deletion, 56 Session Report.")
	PFCPResponse = ours(771, "PFCP_RSP_MSG_TYPE", flow.Unsigned8, "Type of the response of PFCP.")
	PFCPCause    = ours(772, "PFCP_RESPONSE_CAUSE", flow.Unsigned8, "Cause in the response of PFCP: 1 is accepted.")
	PFCPC2S      = ours(773, "PFCP_C2S_SEID", flow.Unsigned64, "Session endpoint that the request is sent to.")
	PFCPS2C      = ours(774, "PFCP_S2C_SEID", flow.Unsigned64, "Session endpoint that the response is sent to.")
	PFCPC2SEnd   = ours(775, "PFCP_C2S_F_SEID", flow.String,
		"Session endpoint that the request tells, as identifier in hexadecimal and addresses.")
	PFCPS2CEnd = ours(776, "PFCP_S2C_F_SEID", flow.String,
		"Session endpoint that the response tells, as identifier in hexadecimal and addresses.")
	PFCPC2SEnds = ours(777, "PFCP_C2S_F_TEIDS", flow.String,
		"Tunnel endpoints that the request tells, with semicolons between: in is where packets are received, out where "+
			"they are sent, with TEID in hexadecimal and addresses.")
	PFCPS2CEnds = ours(778, "PFCP_S2C_F_TEIDS", flow.String,
		"Tunnel endpoints that the response tells, as PFCP_C2S_F_TEIDS.")
	PFCPUser  = ours(779, "PFCP_UE_IPV4_ADDR", flow.IPv4Address, "IPv4 address of the user.")
	PFCPUser6 = ours(780, "PFCP_UE_IPV6_PREFIX", flow.String, "IPv6 prefix of the user.")
	PFCPNode  = ours(781, "PFCP_NODE_ID", flow.String, "Address or name of who asks.")
	PFCPPeer  = ours(782, "PFCP_PEER_NODE_ID", flow.String, "Address or name of who answers.")
	PFCPAPN   = ours(783, "PFCP_NETWORK", flow.String, "Data network name or access point name, or else the network instance.")
	PFCPIMSI  = ours(784, "PFCP_USER_IMSI", flow.String, "IMSI of the user.")
	PFCPIMEI  = ours(785, "PFCP_USER_IMEI", flow.String, "IMEI of the user's equipment.")
	PFCPNum   = ours(786, "PFCP_USER_MSISDN", flow.String, "Telephone number of the user.")
)

var pfcpFields = []*flow.Field{
	PFCPRequest, PFCPResponse, PFCPCause, PFCPC2S, PFCPS2C, PFCPC2SEnd, PFCPS2CEnd, PFCPC2SEnds, PFCPS2CEnds, PFCPUser,
	PFCPUser6, PFCPNode, PFCPPeer, PFCPAPN, PFCPIMSI, PFCPIMEI, PFCPNum,
}
