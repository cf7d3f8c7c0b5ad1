package flow

// geoFields are attributes that enrichment adds from databases of addresses.
var geoFields = []*Field{
	SrcCountry, DstCountry, SrcCity, DstCity, SrcLongitude, SrcLatitude, DstLongitude, DstLatitude,
	SrcAS, DstAS, SrcASName, DstASName, SrcMask, DstMask,
}

// Where addresses are.
var (
	SrcCountry = &Field{
		Element: Element{Label: "SRC_IP_COUNTRY", ID: 101, PEN: Ntop, ECS: "source.geo.country_iso_code"},
		Type:    String, Width: 2,
		Doc: "Country of the client's address (ISO 3166-1 alpha-2).",
	}
	DstCountry = &Field{
		Element: Element{Label: "DST_IP_COUNTRY", ID: 103, PEN: Ntop, ECS: "destination.geo.country_iso_code"},
		Type:    String, Width: 2,
		Doc: "Country of the server's address (ISO 3166-1 alpha-2).",
	}
	SrcCity = &Field{
		Element: Element{Label: "SRC_IP_CITY", ID: 102, PEN: Ntop, ECS: "source.geo.city_name"},
		Type:    String, Width: 16,
		Doc: "City of the client's address.",
	}
	DstCity = &Field{
		Element: Element{Label: "DST_IP_CITY", ID: 104, PEN: Ntop, ECS: "destination.geo.city_name"},
		Type:    String, Width: 16,
		Doc: "City of the server's address.",
	}
	SrcLongitude = &Field{
		Element: Element{Label: "SRC_IP_LONG", ID: 448, PEN: Ntop, ECS: "source.geo.location.lon"},
		Type:    String, Width: 16,
		Doc: "Longitude of the client's address, decimal degrees, east positive.",
	}
	SrcLatitude = &Field{
		Element: Element{Label: "SRC_IP_LAT", ID: 449, PEN: Ntop, ECS: "source.geo.location.lat"},
		Type:    String, Width: 16,
		Doc: "Latitude of the client's address, decimal degrees, north positive.",
	}
	DstLongitude = &Field{
		Element: Element{Label: "DST_IP_LONG", ID: 450, PEN: Ntop, ECS: "destination.geo.location.lon"},
		Type:    String, Width: 16,
		Doc: "Longitude of the server's address, decimal degrees, east positive.",
	}
	DstLatitude = &Field{
		Element: Element{Label: "DST_IP_LAT", ID: 451, PEN: Ntop, ECS: "destination.geo.location.lat"},
		Type:    String, Width: 16,
		Doc: "Latitude of the server's address, decimal degrees, north positive.",
	}
)

// Which networks addresses belong to.
var (
	SrcAS = &Field{
		Element: Element{Name: "bgpSourceAsNumber", Label: "SRC_AS", ID: 16, ECS: "source.as.number"},
		Type:    Unsigned32,
		Doc:     "Autonomous system of the client's address.",
	}
	DstAS = &Field{
		Element: Element{Name: "bgpDestinationAsNumber", Label: "DST_AS", ID: 17, ECS: "destination.as.number"},
		Type:    Unsigned32,
		Doc:     "Autonomous system of the server's address.",
	}
	SrcASName = &Field{
		Element: Element{Label: "SRC_AS_MAP", ID: 443, PEN: Ntop,
			Aliases: []string{"SRC_AS_NAME"}, ECS: "source.as.organization.name"},
		Type: String, Width: 16,
		Doc: "Organisation that runs the autonomous system of the client's address.",
	}
	DstASName = &Field{
		Element: Element{Label: "DST_AS_MAP", ID: 444, PEN: Ntop,
			Aliases: []string{"DST_AS_NAME"}, ECS: "destination.as.organization.name"},
		Type: String, Width: 16,
		Doc: "Organisation that runs the autonomous system of the server's address.",
	}
	SrcMask = &Field{
		Element: Element{Name: "sourceIPv4PrefixLength", Label: "IPV4_SRC_MASK", ID: 9},
		V6:      &Element{Name: "sourceIPv6PrefixLength", Label: "IPV6_SRC_MASK", ID: 29},
		Type:    Unsigned8,
		Doc:     "Length of the announced prefix that the client's address is in, bits.",
	}
	DstMask = &Field{
		Element: Element{Name: "destinationIPv4PrefixLength", Label: "IPV4_DST_MASK", ID: 13},
		V6:      &Element{Name: "destinationIPv6PrefixLength", Label: "IPV6_DST_MASK", ID: 30},
		Type:    Unsigned8,
		Doc:     "Length of the announced prefix that the server's address is in, bits.",
	}
)
