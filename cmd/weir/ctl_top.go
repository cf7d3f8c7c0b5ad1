package main

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-probe/weir/ctrlplane/manage"
)

// topCommand shows who has most of something.
func (k *ctl) topCommand() *cobra.Command {
	var by, kinds, sums []string
	var filter, greatest, order, step string
	var steps, limit int
	var series bool
	c := &cobra.Command{
		Use:   "top [AGGREGATE]",
		Short: "Hosts with most octets, or rows of an aggregate or of any fields",
		Long: "Show the hosts with the most octets of the last minutes, or the rows of an [[aggregate]] of the configuration,\n" +
			"or of any fields (--by). What nobody has asked for in the last minutes is counted from now on: ask again.\n" +
			"A record counts when its flow ends or is cut, at the time of its last packet.",
		Example: `  weir ctl top
  weir ctl top --by L7_PROTO_NAME --step 1h
  weir ctl top --by IPV4_DST_ADDR,L4_DST_PORT --filter 'PROTOCOL == 6' --order packets -n 10
  weir ctl top --by L7_PROTO_NAME --kind event --sums TRANSACTION_LATENCY_USEC --order TRANSACTION_LATENCY_USEC
  weir ctl --json top applications --series --steps 60 | jq .rows`,
		Args: arguments(cobra.MaximumNArgs(1)),
		ValidArgsFunction: complete(k, "/v1/aggregates", func(a *manage.Aggregate) string {
			return a.Name
		}),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args)+len(by) == 0 {
				return k.hosts(limit)
			}
			q := url.Values{"limit": {strconv.Itoa(limit)}}
			for name, values := range map[string][]string{"name": args, "by": by, "kind": kinds, "sums": sums} {
				set(q, name, strings.Join(values, ","))
			}
			for name, value := range map[string]string{"filter": filter, "greatest": greatest, "order": order, "step": step} {
				set(q, name, value)
			}
			if c.Flags().Changed("steps") {
				q.Set("steps", strconv.Itoa(steps))
			}
			return k.aggregate(q, series)
		},
	}
	f := c.Flags()
	f.StringSliceVar(&by, "by", nil, "fields that rows are told apart by")
	f.StringSliceVar(&kinds, "kind", nil, "kinds of records, as records of [[exporter]]; none is flow")
	f.StringVarP(&filter, "filter", "f", "", "condition that records have to meet, as filter of [[exporter]]")
	f.StringSliceVar(&sums, "sums", nil, "fields whose numbers are summed up, too")
	f.StringVar(&greatest, "greatest", "", "field whose greatest number is kept")
	f.StringVar(&order, "order", "", "which rows have most: octets, packets, records, greatest, or a field of sums")
	f.StringVar(&step, "step", "", "windows of 1s, 1m or 1h (1m)")
	f.IntVar(&steps, "steps", 0, "how many windows, the present one included (2)")
	f.IntVarP(&limit, "limit", "n", 20, "rows")
	f.BoolVar(&series, "series", false, "what each row had in each window, too")
	return c
}

func (k *ctl) hosts(limit int) error {
	var all []manage.Host
	if told, err := k.ask("GET", "/v1/top?limit="+strconv.Itoa(limit), nil, &all); !told {
		return err
	}
	w := k.table("HOST OCTETS PACKETS FLOWS NAME")
	for _, h := range all {
		fmt.Fprintln(w, h.Address, h.Octets, h.Packets, h.Flows, dash(h.Name))
	}
	return w.flush()
}

// aggregate shows rows, that of all others, and the total.
func (k *ctl) aggregate(q url.Values, series bool) error {
	path := "/v1/aggregates/top?"
	if series {
		path = "/v1/aggregates/series?"
	}
	var a manage.AggregateTop
	if told, err := k.ask("GET", path+q.Encode(), nil, &a); !told {
		return err
	}
	head := strings.Join(a.By, " ") + " OCTETS_IN OCTETS_OUT PACKETS_IN PACKETS_OUT RECORDS"
	more := slices.Sorted(maps.Keys(a.Total.Sums))
	for _, name := range more {
		head += " " + name
	}
	if a.Total.Greatest != nil {
		head += " GREATEST"
	}
	for _, t := range a.Times {
		head += " " + t.Local().Format("15:04:05")
	}
	w := k.table(head)
	row := func(key string, x *manage.AggregateSums, points []manage.AggregateSums) {
		fmt.Fprint(w, key, " ", x.In, " ", x.Out, " ", x.InPackets, " ", x.OutPackets, " ", x.Records)
		for _, name := range more {
			fmt.Fprint(w, " ", x.Sums[name])
		}
		if x.Greatest != nil {
			fmt.Fprint(w, " ", *x.Greatest)
		}
		for i := range points {
			fmt.Fprint(w, " ", points[i].In+points[i].Out)
		}
		fmt.Fprintln(w)
	}
	for i := range a.Rows {
		row(keyOf(a.By, a.Rows[i].Key), &a.Rows[i].AggregateSums, a.Rows[i].Points)
	}
	blank := strings.Repeat(" -", len(a.By)-1)
	row("(others)"+blank, &a.Others, a.Rest)
	row("(total)"+blank, &a.Total, nil)
	if err := w.flush(); err != nil {
		return err
	}
	if time.Since(a.Since) < time.Minute {
		k.say("counted since %s", when(a.Since))
	}
	return nil
}

// keyOf writes the values of a key, in the order of the fields.
func keyOf(by []string, key map[string]any) string {
	var words []string
	for _, name := range by {
		v, there := key[name]
		if !there { // of the other version of IP
			v, there = key[strings.Replace(name, "IPV4_", "IPV6_", 1)]
		}
		if !there {
			v = ""
		}
		if n, is := v.(float64); is {
			v = strconv.FormatFloat(n, 'f', -1, 64)
		}
		words = append(words, dash(fmt.Sprint(v)))
	}
	return strings.Join(words, " ")
}
