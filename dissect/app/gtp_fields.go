package app

import "github.com/weir-probe/weir/dataplane/flow"

// Fields of transactions of GTP, those that are nProbe's for each version of it. The client asks: what is
// said of him is in his request, what is said of the server in its response.
var (
	GTP0Request  = ntop(321, "GTPV0_REQ_MSG_TYPE", flow.Unsigned8, "Type of the request of GTP version 0.")
	GTP0Response = ntop(322, "GTPV0_RSP_MSG_TYPE", flow.Unsigned8, "Type of the response of GTP version 0.")
	GTP0TID      = ntop(323, "GTPV0_TID", flow.Unsigned64,
		"Tunnel identifier: IMSI and NSAPI in digits of four bits.")
	GTP0User   = ntop(324, "GTPV0_END_USER_IP", flow.IPv4Address, "IPv4 address of the user.")
	GTP0MSISDN = ntop(325, "GTPV0_END_USER_MSISDN", flow.String, "Telephone number of the user.")
	GTP0APN    = ntop(326, "GTPV0_APN_NAME", flow.String, "Access point name.")
	GTP0MCC    = ntop(327, "GTPV0_RAI_MCC", flow.Unsigned16, "Mobile country code of the routing area.")
	GTP0MNC    = ntop(328, "GTPV0_RAI_MNC", flow.Unsigned16, "Mobile network code of the routing area.")
	GTP0LAC    = ntop(329, "GTPV0_RAI_CELL_LAC", flow.Unsigned16, "Location area code of the routing area.")
	GTP0RAC    = ntop(330, "GTPV0_RAI_CELL_RAC", flow.Unsigned16, "Routing area code.")
	GTP0Cause  = ntop(331, "GTPV0_RESPONSE_CAUSE", flow.Unsigned8, "Cause in the response: 128 is accepted.")

	GTP1Request = ntop(220, "GTPV1_REQ_MSG_TYPE", flow.Unsigned8,
		"Type of the request or notice of GTP version 1.")
	GTP1Response = ntop(221, "GTPV1_RSP_MSG_TYPE", flow.Unsigned8, "Type of the response of GTP version 1.")
	GTP1C2SData  = ntop(222, "GTPV1_C2S_TEID_DATA", flow.Unsigned32,
		"TEID for user data that the request tells.")
	GTP1C2SCtrl = ntop(223, "GTPV1_C2S_TEID_CTRL", flow.Unsigned32,
		"TEID for signalling that the request tells.")
	GTP1S2CData = ntop(224, "GTPV1_S2C_TEID_DATA", flow.Unsigned32,
		"TEID for user data that the response tells.")
	GTP1S2CCtrl = ntop(225, "GTPV1_S2C_TEID_CTRL", flow.Unsigned32,
		"TEID for signalling that the response tells.")
	GTP1User   = ntop(226, "GTPV1_END_USER_IP", flow.IPv4Address, "IPv4 address of the user.")
	GTP1IMSI   = ntop(227, "GTPV1_END_USER_IMSI", flow.String, "IMSI of the user.")
	GTP1MSISDN = ntop(228, "GTPV1_END_USER_MSISDN", flow.String, "Telephone number of the user.")
	GTP1IMEI   = ntop(229, "GTPV1_END_USER_IMEI", flow.String,
		"IMEI of the equipment, with its software version if it is known.")
	GTP1APN    = ntop(230, "GTPV1_APN_NAME", flow.String, "Access point name.")
	GTP1RAIMCC = ntop(231, "GTPV1_RAI_MCC", flow.Unsigned16, "Mobile country code of the routing area.")
	GTP1RAIMNC = ntop(232, "GTPV1_RAI_MNC", flow.Unsigned16, "Mobile network code of the routing area.")
	GTP1LAC    = ntop(233, "GTPV1_ULI_CELL_LAC", flow.Unsigned16, "Location area code of where the user is.")
	GTP1CI     = ntop(234, "GTPV1_ULI_CELL_CI", flow.Unsigned16, "Cell that the user is in.")
	GTP1SAC    = ntop(235, "GTPV1_ULI_SAC", flow.Unsigned16, "Service area that the user is in.")
	GTP1RAT    = ntop(236, "GTPV1_RAT_TYPE", flow.Unsigned8,
		"Radio access: 1 UTRAN, 2 GERAN, 3 WLAN, 6 E-UTRAN.")
	GTP1Cause  = ntop(332, "GTPV1_RESPONSE_CAUSE", flow.Unsigned8, "Cause in the response: 128 is accepted.")
	GTP1RAILAC = ntop(342, "GTPV1_RAI_LAC", flow.Unsigned16, "Location area code of the routing area.")
	GTP1RAC    = ntop(343, "GTPV1_RAI_RAC", flow.Unsigned8, "Routing area code.")
	GTP1MCC    = ntop(344, "GTPV1_ULI_MCC", flow.Unsigned16, "Mobile country code of where the user is.")
	GTP1MNC    = ntop(345, "GTPV1_ULI_MNC", flow.Unsigned32, "Mobile network code of where the user is.")
	GTP1C2S    = ours(740, "GTPV1_C2S_TEID", flow.Unsigned32, "TEID that the request or notice is sent to.")
	GTP1S2C    = ours(741, "GTPV1_S2C_TEID", flow.Unsigned32, "TEID that the response is sent to.")
	GTP1GSNA   = ours(742, "GTPV1_GSN_ADDRESS_IPV4_A", flow.IPv4Address,
		"First GSN address of the request, for signalling.")
	GTP1GSNB = ours(743, "GTPV1_GSN_ADDRESS_IPV4_B", flow.IPv4Address,
		"Second GSN address of the request, for user data.")

	GTP2Request = ntop(270, "GTPV2_REQ_MSG_TYPE", flow.Unsigned8,
		"Type of the request or notice of GTP version 2.")
	GTP2Response = ntop(271, "GTPV2_RSP_MSG_TYPE", flow.Unsigned8, "Type of the response of GTP version 2.")
	GTP2C2SS1U   = ntop(272, "GTPV2_C2S_S1U_GTPU_TEID", flow.Unsigned32, "TEID of S1-U that the request tells.")
	GTP2C2SS1UIP = ntop(273, "GTPV2_C2S_S1U_GTPU_IP", flow.IPv4Address,
		"Address of S1-U that the request tells.")
	GTP2S2CS1U = ntop(274, "GTPV2_S2C_S1U_GTPU_TEID", flow.String,
		"TEID of S1-U that the response tells, in decimal digits.")
	GTP2S2CS1UIP = ntop(275, "GTPV2_S2C_S1U_GTPU_IP", flow.IPv4Address,
		"Address of S1-U that the response tells.")
	GTP2IMSI   = ntop(276, "GTPV2_END_USER_IMSI", flow.String, "IMSI of the user.")
	GTP2MSISDN = ntop(277, "GTPV2_END_USER_MSISDN", flow.String, "Telephone number of the user.")
	GTP2APN    = ntop(278, "GTPV2_APN_NAME", flow.String, "Access point name.")
	GTP2MCC    = ntop(279, "GTPV2_ULI_MCC", flow.Unsigned16, "Mobile country code of where the user is.")
	GTP2MNC    = ntop(280, "GTPV2_ULI_MNC", flow.Unsigned16, "Mobile network code of where the user is.")
	GTP2TAC    = ntop(281, "GTPV2_ULI_CELL_TAC", flow.Unsigned16, "Tracking area code of where the user is.")
	GTP2Cell   = ntop(282, "GTPV2_ULI_CELL_ID", flow.Unsigned32,
		"Cell that the user is in: the lower 28 bits of ECGI, or CI.")
	GTP2RAT = ntop(283, "GTPV2_RAT_TYPE", flow.Unsigned8,
		"Radio access: 1 UTRAN, 2 GERAN, 3 WLAN, 6 E-UTRAN, 8 NB-IoT.")
	GTP2PDN  = ntop(284, "GTPV2_PDN_IP", flow.Unsigned32, "IPv4 address of the user, as a number.")
	GTP2IMEI = ntop(285, "GTPV2_END_USER_IMEI", flow.String,
		"IMEI of the equipment, with its software version if it is known.")
	GTP2Cause = ntop(333, "GTPV2_RESPONSE_CAUSE", flow.Unsigned8, "Cause in the response: 16 is accepted.")
	GTP2S58C  = ntop(435, "GTPV2_S5_S8_GTPC_TEID", flow.String,
		"TEIDs of S5/S8 for signalling, in decimal digits with semicolons between.")
	GTP2C2SPGW = ntop(439, "GTPV2_C2S_S5_S8_GTPU_TEID", flow.Unsigned32,
		"TEID of the P-GW for user data that the request tells.")
	GTP2S2CPGW = ntop(440, "GTPV2_S2C_S5_S8_GTPU_TEID", flow.Unsigned32,
		"TEID of the P-GW for user data that the response tells.")
	GTP2C2SPGWIP = ntop(441, "GTPV2_C2S_S5_S8_GTPU_IP", flow.IPv4Address,
		"Address of the P-GW for user data that the request tells.")
	GTP2S2CPGWIP = ntop(442, "GTPV2_S2C_S5_S8_GTPU_IP", flow.IPv4Address,
		"Address of the P-GW for user data that the response tells.")
	GTP2C2SS58CIP = ntop(454, "GTPV2_C2S_S5_S8_GTPC_IP", flow.IPv4Address,
		"Address of S5/S8 for signalling that the request tells.")
	GTP2S2CS58CIP = ntop(455, "GTPV2_S2C_S5_S8_GTPC_IP", flow.IPv4Address,
		"Address of S5/S8 for signalling that the response tells.")
	GTP2C2SSGW = ntop(456, "GTPV2_C2S_S5_S8_SGW_GTPU_TEID", flow.Unsigned32,
		"TEID of the S-GW on S5/S8 for user data that the request tells.")
	GTP2S2CSGW = ntop(457, "GTPV2_S2C_S5_S8_SGW_GTPU_TEID", flow.Unsigned32,
		"TEID of the S-GW on S5/S8 for user data that the response tells.")
	GTP2C2SSGWIP = ntop(458, "GTPV2_C2S_S5_S8_SGW_GTPU_IP", flow.IPv4Address,
		"Address of the S-GW on S5/S8 for user data that the request tells.")
	GTP2S2CSGWIP = ntop(459, "GTPV2_S2C_S5_S8_SGW_GTPU_IP", flow.IPv4Address,
		"Address of the S-GW on S5/S8 for user data that the response tells.")
	GTP2C2S = ours(744, "GTPV2_C2S_TEID", flow.Unsigned32, "TEID that the request or notice is sent to.")
	GTP2S2C = ours(745, "GTPV2_S2C_TEID", flow.Unsigned32, "TEID that the response is sent to.")
)

// Fields that all versions share.
var (
	GTPC2SEnds = ours(746, "GTP_C2S_F_TEIDS", flow.String,
		"Tunnel endpoints that the request tells, with semicolons between, "+
			"as interface type, TEID in hexadecimal and addresses.")
	GTPS2CEnds = ours(747, "GTP_S2C_F_TEIDS", flow.String,
		"Tunnel endpoints that the response tells, with semicolons between, "+
			"as interface type, TEID in hexadecimal and addresses.")
	GTPUser6 = ours(748, "GTP_END_USER_IPV6_PREFIX", flow.String, "IPv6 prefix of the user.")
	GTPCell  = ours(749, "GTP_CELL", flow.String,
		"Where the user is, as kind, country, network, area and cell.")
	GTPBearer = ours(750, "GTP_BEARER_ID", flow.Unsigned8,
		"Bearer (EBI) or PDP context (NSAPI) that is meant.")
	GTPQCI = ours(751, "GTP_QCI", flow.Unsigned8,
		"QoS class of the bearer: 1 to 9 are standard, 5 signalling of calls, 9 everything.")
	GTPPriority = ours(752, "GTP_ARP", flow.Unsigned8, "Priority of allocation and retention: 1 is the highest.")
	GTPUpRate   = ours(753, "GTP_AMBR_UP", flow.Unsigned32, "Rate that the user may send with, kbit/s.")
	GTPDownRate = ours(754, "GTP_AMBR_DOWN", flow.Unsigned32, "Rate that the user may receive with, kbit/s.")
	GTPCharging = ours(755, "GTP_CHARGING_ID", flow.Unsigned32, "Charging identifier.")
	GTPDNS      = ours(756, "GTP_PCO_DNS", flow.String,
		"DNS servers that the user is given, with semicolons between.")
	GTPPCSCF = ours(757, "GTP_PCO_P_CSCF", flow.String,
		"P-CSCF that the user is given for calls, with semicolons between.")
	GTPAuth = ours(758, "GTP_PCO_AUTH", flow.String,
		"How the user proves who he is to the network behind the access point: pap or chap.")
	GTPBadTEID = ours(759, "GTPU_ERROR_TEID", flow.Unsigned32,
		"TEID that an Error Indication says is not known.")
	GTPBadPeer = ours(760, "GTPU_ERROR_PEER", flow.String,
		"Address of who does not know the TEID of an Error Indication.")
	GTP2Command = ours(1261, "GTPV2_COMMAND", flow.Unsigned8,
		"Type of the command that has led to the request or failure.")
	GTP2CommandTime = &flow.Field{
		Element: flow.Element{Label: "GTPV2_COMMAND_USEC", ID: 1262, PEN: flow.Weir}, Type: flow.Unsigned64, Scale: 1e3,
		Doc: "Time since that command, microseconds.",
	}
	GTPRecovery = ours(761, "GTP_RECOVERY", flow.Unsigned8, "How often who answers has begun anew.")
)

var gtpFields = []*flow.Field{
	GTP0Request, GTP0Response, GTP0TID, GTP0User, GTP0MSISDN, GTP0APN, GTP0MCC, GTP0MNC, GTP0LAC, GTP0RAC, GTP0Cause,
	GTP1Request, GTP1Response, GTP1C2SData, GTP1C2SCtrl, GTP1S2CData, GTP1S2CCtrl, GTP1User, GTP1IMSI, GTP1MSISDN,
	GTP1IMEI, GTP1APN, GTP1RAIMCC, GTP1RAIMNC, GTP1LAC, GTP1CI, GTP1SAC, GTP1RAT, GTP1Cause, GTP1RAILAC, GTP1RAC,
	GTP1MCC, GTP1MNC, GTP1C2S, GTP1S2C, GTP1GSNA, GTP1GSNB,
	GTP2Request, GTP2Response, GTP2C2SS1U, GTP2C2SS1UIP, GTP2S2CS1U, GTP2S2CS1UIP, GTP2IMSI, GTP2MSISDN, GTP2APN,
	GTP2MCC, GTP2MNC, GTP2TAC, GTP2Cell, GTP2RAT, GTP2PDN, GTP2IMEI, GTP2Cause, GTP2S58C, GTP2C2SPGW, GTP2S2CPGW,
	GTP2C2SPGWIP, GTP2S2CPGWIP, GTP2C2SS58CIP, GTP2S2CS58CIP, GTP2C2SSGW, GTP2S2CSGW, GTP2C2SSGWIP, GTP2S2CSGWIP,
	GTP2C2S, GTP2S2C,
	GTPC2SEnds, GTPS2CEnds, GTPUser6, GTPCell, GTPBearer, GTPQCI, GTPPriority, GTPUpRate, GTPDownRate, GTPCharging,
	GTPDNS, GTPPCSCF, GTPAuth, GTPBadTEID, GTPBadPeer, GTPRecovery, GTP2Command, GTP2CommandTime,
}
