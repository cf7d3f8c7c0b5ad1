package flow

// What is said of a row of an aggregate, besides the fields that its records have in common: attributes of
// records of KindAggregate.
var (
	AggregateName = vendor(Weir, 2220, "AGGREGATE_NAME", String, "Name of the aggregate.")
	AggregateRow  = vendor(Weir, 2221,
		"AGGREGATE_ROW", String, "What the row is of: top, a key of its own, or others, all that have none.")
	AggregateRank = vendor(Weir, 2222, "AGGREGATE_RANK", Unsigned32, "Place of the row in its order, from 1.")

	AggregateRecords = vendor(Weir, 2223, "AGGREGATE_RECORDS", Unsigned64, "Records that were summed up.")

	AggregateMissing = vendor(Weir, 2224, "AGGREGATE_MISSING", Unsigned64,
		"How much of the order's number may be missing from the row and be among the others.")
	AggregateMost = vendor(Weir, 2225, "AGGREGATE_GREATEST", Unsigned64,
		"Greatest number of the field that greatest of the aggregate names.")
	// AggregateSums are of the fields that sums of the aggregate names, in their order.
	AggregateSums = [...]*Field{
		vendor(Weir, 2226, "AGGREGATE_SUM_1", Unsigned64, "Sum of the first field of sums of the aggregate."),
		vendor(Weir, 2227, "AGGREGATE_SUM_2", Unsigned64, "Sum of the second field of sums."),
		vendor(Weir, 2228, "AGGREGATE_SUM_3", Unsigned64, "Sum of the third field of sums."),
		vendor(Weir, 2229, "AGGREGATE_SUM_4", Unsigned64, "Sum of the fourth field of sums."),
	}
)

var aggregateFields = append([]*Field{
	AggregateName, AggregateRow, AggregateRank, AggregateRecords, AggregateMissing, AggregateMost,
}, AggregateSums[:]...)

// OfAggregates returns the fields of records of KindAggregate besides times, counters and keys.
func OfAggregates() []*Field { return aggregateFields }
