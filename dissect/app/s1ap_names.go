package app

// s1apNames are the procedures of S1AP by their codes (3GPP TS 36.413, section 9.3.7).
var s1apNames = [...]string{
	"HandoverPreparation", "HandoverResourceAllocation", "HandoverNotification", "PathSwitchRequest",
	"HandoverCancel", "E-RABSetup", "E-RABModify", "E-RABRelease", "E-RABReleaseIndication", "InitialContextSetup",
	"Paging", "downlinkNASTransport", "initialUEMessage", "uplinkNASTransport", "Reset", "ErrorIndication",
	"NASNonDeliveryIndication", "S1Setup", "UEContextReleaseRequest", "DownlinkS1cdma2000tunnelling",
	"UplinkS1cdma2000tunnelling", "UEContextModification", "UECapabilityInfoIndication", "UEContextRelease",
	"eNBStatusTransfer", "MMEStatusTransfer", "DeactivateTrace", "TraceStart", "TraceFailureIndication",
	"ENBConfigurationUpdate", "MMEConfigurationUpdate", "LocationReportingControl",
	"LocationReportingFailureIndication", "LocationReport", "OverloadStart", "OverloadStop", "WriteReplaceWarning",
	"eNBDirectInformationTransfer", "MMEDirectInformationTransfer", "PrivateMessage", "eNBConfigurationTransfer",
	"MMEConfigurationTransfer", "CellTrafficTrace", "Kill", "downlinkUEAssociatedLPPaTransport",
	"uplinkUEAssociatedLPPaTransport", "downlinkNonUEAssociatedLPPaTransport", "uplinkNonUEAssociatedLPPaTransport",
	"UERadioCapabilityMatch", "PWSRestartIndication", "E-RABModificationIndication", "PWSFailureIndication",
	"RerouteNASRequest", "UEContextModificationIndication", "ConnectionEstablishmentIndication", "UEContextSuspend",
	"UEContextResume", "NASDeliveryIndication", "RetrieveUEInformation", "UEInformationTransfer",
	"eNBCPRelocationIndication", "MMECPRelocationIndication", "SecondaryRATDataUsageReport",
}

// ngapNames are the procedures of NGAP by their codes (3GPP TS 38.413, section 9.4.7).
var ngapNames = [...]string{
	"AMFConfigurationUpdate", "AMFStatusIndication", "CellTrafficTrace", "DeactivateTrace", "DownlinkNASTransport",
	"DownlinkNonUEAssociatedNRPPaTransport", "DownlinkRANConfigurationTransfer", "DownlinkRANStatusTransfer",
	"DownlinkUEAssociatedNRPPaTransport", "ErrorIndication", "HandoverCancel", "HandoverNotification",
	"HandoverPreparation", "HandoverResourceAllocation", "InitialContextSetup", "InitialUEMessage",
	"LocationReportingControl", "LocationReportingFailureIndication", "LocationReport", "NASNonDeliveryIndication",
	"NGReset", "NGSetup", "OverloadStart", "OverloadStop", "Paging", "PathSwitchRequest", "PDUSessionResourceModify",
	"PDUSessionResourceModifyIndication", "PDUSessionResourceRelease", "PDUSessionResourceSetup",
	"PDUSessionResourceNotify", "PrivateMessage", "PWSCancel", "PWSFailureIndication", "PWSRestartIndication",
	"RANConfigurationUpdate", "RerouteNASRequest", "RRCInactiveTransitionReport", "TraceFailureIndication",
	"TraceStart", "UEContextModification", "UEContextRelease", "UEContextReleaseRequest", "UERadioCapabilityCheck",
	"UERadioCapabilityInfoIndication", "UETNLABindingRelease", "UplinkNASTransport",
	"UplinkNonUEAssociatedNRPPaTransport", "UplinkRANConfigurationTransfer", "UplinkRANStatusTransfer",
	"UplinkUEAssociatedNRPPaTransport", "WriteReplaceWarning", "SecondaryRATDataUsageReport",
}
