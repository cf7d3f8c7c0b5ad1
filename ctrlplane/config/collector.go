package config

import "fmt"

// collectors checks what tables of collectors share, and their files.
func (k *checker) collectors(c *Config) {
	names, places := map[string]bool{}, map[string]bool{}
	for i := range c.Collectors {
		o, key := &c.Collectors[i], fmt.Sprintf("collector[%d]", i)
		k.unique(key+".name", o.Name, names)
		for j, place := range o.Listen {
			if places[place] {
				k.report(at(key+".listen", j, len(o.Listen)), place+" is listened at already",
					"name it once; set workers to use more cores")
			}
			places[place] = true
		}
		for j, path := range o.Files {
			k.exists(at(key+".files", j, len(o.Files)), path)
		}
		for j, path := range o.Dictionary {
			k.exists(at(key+".dictionary", j, len(o.Dictionary)), path)
		}
		if o.File != "" {
			k.directory(key+".templates_file", o.File)
		}
		if o.Learn != "" {
			k.directory(key+".learn_dictionary", o.Learn)
		}
	}
}
