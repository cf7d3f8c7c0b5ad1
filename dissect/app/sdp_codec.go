package app

// Codec is a codec as descriptions of media name it, in IANA's registry "RTP Payload Format Media
// Types"; 0 is any other.
type Codec uint8

// Codecs that are told apart.
const (
	OtherCodec Codec = iota
	CodecPCMU
	CodecPCMA
	CodecG722
	CodecG723
	CodecG728
	CodecG729
	CodecGSM
	CodecGSMEFR
	CodecGSMHR
	CodecILBC
	CodecSpeex
	CodecOpus
	CodecAMR
	CodecAMRWB
	CodecAMRWBPlus
	CodecEVS
	CodecG7221
	CodecG7291
	CodecG726x16
	CodecG726x24
	CodecG726x32
	CodecG726x40
	CodecDVI4
	CodecLPC
	CodecL16
	CodecQCELP
	CodecEVRC
	CodecSILK
	CodecVMR
	CodecMP4ALATM
	CodecMPA
	CodecMPEG4Generic
	CodecComfortNoise
	CodecTelephoneEvent
	CodecTone
	CodecH261
	CodecH263
	CodecH2631998
	CodecH264
	CodecH265
	CodecVP8
	CodecVP9
	CodecAV1
	CodecJPEG
	CodecMPV
	CodecMP2T
	CodecRED
	CodecULPFEC
	CodecFlexFEC
	CodecRTX
	CodecT140
	CodecT38
	codecs
)

var codecNames = [codecs]string{
	CodecPCMU: "PCMU", CodecPCMA: "PCMA", CodecG722: "G722", CodecG723: "G723", CodecG728: "G728",
	CodecG729: "G729", CodecGSM: "GSM", CodecGSMEFR: "GSM-EFR", CodecGSMHR: "GSM-HR-08", CodecILBC: "iLBC",
	CodecSpeex: "speex", CodecOpus: "opus", CodecAMR: "AMR", CodecAMRWB: "AMR-WB", CodecAMRWBPlus: "AMR-WB+",
	CodecEVS: "EVS", CodecG7221: "G7221", CodecG7291: "G7291", CodecG726x16: "G726-16", CodecG726x24: "G726-24",
	CodecG726x32: "G726-32", CodecG726x40: "G726-40", CodecDVI4: "DVI4", CodecLPC: "LPC", CodecL16: "L16",
	CodecQCELP: "QCELP", CodecEVRC: "EVRC", CodecSILK: "SILK", CodecVMR: "VMR-WB", CodecMP4ALATM: "MP4A-LATM",
	CodecMPA: "MPA", CodecMPEG4Generic: "mpeg4-generic", CodecComfortNoise: "CN",
	CodecTelephoneEvent: "telephone-event", CodecTone: "tone", CodecH261: "H261", CodecH263: "H263",
	CodecH2631998: "H263-1998", CodecH264: "H264", CodecH265: "H265", CodecVP8: "VP8", CodecVP9: "VP9",
	CodecAV1: "AV1", CodecJPEG: "JPEG", CodecMPV: "MPV", CodecMP2T: "MP2T", CodecRED: "red",
	CodecULPFEC: "ulpfec", CodecFlexFEC: "flexfec-03", CodecRTX: "rtx", CodecT140: "t140", CodecT38: "t38",
}

// String returns the name of the codec as descriptions write it, empty for any other.
func (c Codec) String() string {
	if c < codecs {
		return codecNames[c]
	}
	return ""
}

// codecNamed finds a codec. Case does not matter.
func codecNamed(name []byte) Codec {
	for c := OtherCodec + 1; c < codecs; c++ {
		if len(name) == len(codecNames[c]) && equalFold(name, codecNames[c]) {
			return c
		}
	}
	return OtherCodec
}

// equalFold reports whether b is a text of the same length, in either case.
func equalFold(b []byte, text string) bool {
	for i, c := range b {
		d := text[i]
		if c != d && (c|0x20 != d|0x20 || c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

// staticPayloads are the payload types that need no rtpmap (RFC 3551, section 6).
var staticPayloads = [...]struct {
	codec Codec
	clock uint32
}{
	0: {CodecPCMU, 8000}, 3: {CodecGSM, 8000}, 4: {CodecG723, 8000}, 5: {CodecDVI4, 8000}, 6: {CodecDVI4, 16000},
	7: {CodecLPC, 8000}, 8: {CodecPCMA, 8000}, 9: {CodecG722, 8000}, 10: {CodecL16, 44100}, 11: {CodecL16, 44100},
	12: {CodecQCELP, 8000}, 13: {CodecComfortNoise, 8000}, 14: {CodecMPA, 90000}, 15: {CodecG728, 8000},
	16: {CodecDVI4, 11025}, 17: {CodecDVI4, 22050}, 18: {CodecG729, 8000}, 26: {CodecJPEG, 90000},
	31: {CodecH261, 90000}, 32: {CodecMPV, 90000}, 33: {CodecMP2T, 90000}, 34: {CodecH263, 90000},
}
