package flow

// All lists the fields this package declares, in the order the documentation shows them.
// Those of application protocols are declared by their dissectors.
func All() [][]*Field {
	return [][]*Field{
		coreFields, timeFields, linkFields, tcpFields, sctpFields, latencyFields, sizeFields, timingFields,
		rateFields, outerFields, geoFields, leaseFields, routeFields, appFields, exportFields,
		identityFields, statisticsFields, callFields, subscriberFields, policyFields,
		collectedFields, translationFields, vendorFields, collectionFields, sampleFields, counterFields,
		aggregateFields,
	}
}
