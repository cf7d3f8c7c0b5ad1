package enrich

import "github.com/weir-probe/weir/ctrlplane/egress"

// Stages returns what flows pass through: names for everyone, places and networks where a
// path names a database. done closes the databases.
func Stages(city, asn string) (all []egress.Stage, done func(), err error) {
	all, done = []egress.Stage{Names{}}, func() {}
	if city == "" && asn == "" {
		return all, done, nil
	}
	g, err := OpenGeo(city, asn)
	if err != nil {
		return nil, nil, err
	}
	return append(all, g), g.Close, nil
}
