package policy

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/weir-probe/weir/ctrlplane/egress"
)

// Nothing that leads out of the machine is in reach.
func TestEscapes(t *testing.T) {
	for name, expr := range map[string]string{
		"open a file": `io.open`, "run a shell": `io.popen`, "read lines": `io.lines`, "operating system": `os`,
		"debugger": `debug`, "load a file": `loadfile`, "load a string": `loadstring`, "load": `load`, "do a file": `dofile`,
		"require": `require`, "modules": `package`, "module": `module`, "coroutines": `coroutine`, "channels": `channel`,
		"environment": `getfenv`, "set environment": `setfenv`, "collect garbage": `collectgarbage`, "proxy": `newproxy`,
		"registers": `_printregs`, "bytecode": `string.dump`, "seed": `math.randomseed`,
		"environment by _G": `_G["loadstring"]`, "registry": `_G._LOADED`, "version": `_GOPHER_LUA_VERSION`,
		"guards": `_G["\0set"]`, "guards by name": `rawget(_G, "\0concat")`,
	} {
		b := good(t, body("print(type("+expr+"))"))
		if b.judge(egress.Flows); len(b.printed) != 1 || b.printed[0] != "nil" {
			t.Errorf("%s: %s is a %q (%v)", name, expr, b.printed, b.last.Err)
		}
	}
}

// What is there cannot be turned into what is not.
func TestProtected(t *testing.T) {
	for name, c := range map[string][2]string{
		"metatable of strings":      {`print(getmetatable("")) getmetatable("").__index = nil`, "index"},
		"metatable of records":      {`getmetatable(f).__index = nil`, "index"},
		"replace it":                {`setmetatable(f, {})`, "protected metatable"},
		"replace that of strings":   {`setmetatable("", {})`, "protected metatable"},
		"a method of one kept":      {`if kept then kept(f) end kept = f.drop`, ""},
		"a table of nProbe outside": {`if again then print(dns.query) end again = true`, ""},
		"method of something else":  {`f.drop({})`, "write it with a colon"},
		"set what is no field":      {`f["x y"] = 1`, "unknown"},
		"set an element of a field": {`f.IN_BYTES.x = 1`, "attempt to index a non-table"},
	} {
		source := body(c[0])
		b, err := write(t, source)
		for range 2 {
			if err == nil {
				b.judge(egress.Flows)
				err = b.last.Err
			}
		}
		if c[1] == "" && err == nil {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c[1]) && c[1] != "index" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// runaways are policies whose call never ends by itself, or takes more memory than there is.
var runaways = map[string]string{
	"loop":                          `while true do end`,
	"loop without instructions":     `while true do local x = 1 end`,
	"goto":                          `::a:: goto a`,
	"repeat":                        `repeat until false`,
	"for":                           `for i = 1, 1e18 do end`,
	"loop in pcall":                 `pcall(function() while true do end end)`,
	"pcall in a loop":               `while true do pcall(function() while true do end end) end`,
	"pcall of errors":               `while true do pcall(error, "x") end`,
	"pcall in its own handler":      `while true do xpcall(function() while true do end end, function() while true do end end) end`,
	"error in error":                `while true do xpcall(function() error("a") end, function() error("b") end) end`,
	"recursion in a loop":           `local function r() return 1 + r() end while true do pcall(r) end`,
	"tail calls":                    `local function r() return r() end r()`,
	"metatable loop":                `local t = setmetatable({}, {__index = function(t, k) return t[k .. "x"] end}) while true do pcall(function() return t.a end) end`,
	"comparison":                    `local t = setmetatable({}, {__lt = function() while true do end end}) return t < t`,
	"tostring":                      `tostring(setmetatable({}, {__tostring = function() while true do end end}))`,
	"sort":                          `local t = {} for i = 1, 100 do t[i] = i end while true do table.sort(t, function(a, b) return a > b end) end`,
	"gsub with a function":          `while true do string.gsub("aaaa", "a", function() return "b" end) end`,
	"pairs without end":             `for k in function() return 1 end do end`,
	"method of a string":            `string.x = function(s) return s:x() end; ("a"):x()`,
	"state":                         `while true do state.incr("x") end`,
	"fields":                        `while true do for k, v in pairs(f) do end end`,
	"pattern":                       `string.find(string.rep("a", 5000), "a-a-a-a-a-a-a-b")`,
	"pattern of sets":               `string.match(string.rep("x", 20000), "([xyz]*)*[xy]*[xz]*[xyz]-q")`,
	"balanced":                      `string.find(string.rep("(", 100000), "%b()%b()")`,
	"doubling":                      `local s = "x" while true do s = s .. s end`,
	"doubling in pcall":             `local s = "x" while true do pcall(function() s = s .. s end) end`,
	"concat of many":                `local s = "xxxxxxxx" while true do s = s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s end`,
	"rep":                           `string.rep("x", 1e9)`,
	"rep of rep":                    `local s = string.rep("x", 1e6) s = string.rep(s, 1e6)`,
	"rep without end":               `string.rep("x", 1e300)`,
	"gsub":                          `string.gsub(string.rep("a", 1e5), "a", string.rep("b", 1e5))`,
	"format":                        `while true do s = string.format("%s%s", s or "x", s or "x") end`,
	"table concat":                  `local t = {} for i = 1, 1000 do t[i] = string.rep("x", 1000) end local s = table.concat(t, string.rep("y", 1e5))`,
	"upper":                         `local s = string.rep("x", 1e6) while true do s = s:upper() end`,
	"array":                         `local t = {} for i = 1, 1e9 do t[i] = i end`,
	"insert":                        `local t = {} while true do table.insert(t, 1) end`,
	"insert in front":               `local t = {} while true do table.insert(t, 1, 1) end`,
	"far element":                   `local t = {} t[60000000] = 1`,
	"far elements":                  `for i = 1, 1e9 do local t = {} t[10000] = 1 end`,
	"far element in hexadecimal":    `local t = {} t[0x3ffffff] = 1`,
	"far element of a constructor":  `local k = 60000000 local t = {[k] = 1}`,
	"far constant of a constructor": `local t = {[60000000] = 1}`,
	"far element by metatable":      `local far = {} local t = setmetatable({}, {__newindex = far}) t[60000000] = 1`,
	"far element of several":        `local a, b = {}, {} a[50000000], b[50000000] = 1, 2`,
	"rawset":                        `rawset({}, 60000000, 1)`,
	"list":                          `local l while true do l = {l} end`,
	"closures":                      `local l while true do local m = l l = function() return m end end`,
	"names":                         `for i = 1, 1e9 do _G["x" .. i] = i end`,
	"length of nothing":             `local t = {} t[20000] = 1 t[20000] = nil while true do local n = #t end`,
	"print":                         `while true do print("x") end`,
}

// The call ends, in bounded time and memory, no pcall holds it up, and the record has the default fate.
func TestRunaways(t *testing.T) {
	for name, source := range runaways {
		t.Run(name, func(t *testing.T) {
			b := good(t, "function on_flow(f) if f.FLOW_USER_NAME == nil and armed then "+source+" end end\nfunction arm() armed = true end",
				func(o *Options) { o.OnError = "drop" })
			b.machine.L.SetGlobal("armed", lua.LTrue)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			v := b.judge(egress.Flows)
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			var r *runaway
			if !errors.As(b.last.Err, &r) || !v.Drop || b.tally(Runaways) != 1 || b.Judged().Dropped["error"] != 1 {
				t.Errorf("%+v, %v", v, b.last.Err)
			}
			if got := (after.TotalAlloc - before.TotalAlloc) >> 20; got > 200 {
				t.Errorf("it allocated %d MiB", got)
			}
			if took > 10*longest {
				t.Errorf("it took %v", took)
			}
			if len(b.told) != 1 || strings.Contains(b.told[0], "\n") {
				t.Errorf("told %q", b.told)
			}
		})
	}
}

// Calls that fail without running away fail all the same.
func TestFailures(t *testing.T) {
	for name, source := range map[string]string{
		"recursion":        `local function r() return 1 + r() end r()`,
		"error":            `error("x")`,
		"error of a table": `error({})`,
		"error of nil":     `error(nil)`,
		"deep pattern":     `string.find(string.rep("a", 1000), string.rep("a?", 1000))`,
		"open pattern":     `string.find("a", "[a")`,
		"many results":     `unpack({}, 1, 1e7)`,
		"many bytes":       `string.byte(string.rep("x", 1e6), 1, -1)`,
		"wide format":      `string.format("%1000000d", 1)`,
		"random":           `math.random(0)`,
		"no exporter":      `f:route("ka" .. "fak")`,
		"no program":       `run("/bin/" .. "sh", "-c", "id")`,
		"program with 0":   `run("/bin/true", "a\0b")`,
		"many arguments":   `run("/bin/true", unpack({}, 1, 100))`,
		"long argument":    `run("/bin/true", string.rep("x", 10000))`,
		"many programs":    `for i = 1, 9 do run("/bin/true") end`,
		"many alerts":      `for i = 1, 9 do f:alert("x") end`,
		"many sets":        `for i = 1, 99 do f.POLICY_NOTE = "x" end`,
		"long tags":        `for i = 1, 99 do f:tag("tag" .. i) end`,
		"state of a table": `state.set("x", {})`,
		"long state":       `state.set("x", string.rep("x", 5000))`,
		"state of no time": `state.set("x", 1, 0)`,
		"increase a text":  `state.set("x", "y") state.incr("x")`,
	} {
		b := good(t, "function on_flow(f) if armed then "+source+" end end")
		b.machine.L.SetGlobal("armed", lua.LTrue)
		if v := b.judge(egress.Flows); b.last.Err == nil || v.Drop || b.tally(Errors) != 1 {
			t.Errorf("%s: %v, %d errors", name, b.last.Err, b.tally(Errors))
		}
		b.machine.L.SetGlobal("armed", lua.LFalse)
		if b.judge(egress.Flows); b.last.Err != nil {
			t.Errorf("after %s: %v", name, b.last.Err)
		}
	}
}

// What a policy keeps in variables is bounded, too; then it begins anew.
func TestKept(t *testing.T) {
	for name, source := range map[string]string{
		"table":     `seen = seen or {} n = (n or 0) + 1 seen["key" .. n] = string.rep("x", 1000)`,
		"closures":  `local s = string.rep("x", 1000) .. (n or 0) local old = last n = (n or 0) + 1 last = function() return s, old end`,
		"pieces":    `seen = seen or {} n = (n or 0) + 1 seen[n] = (string.rep("x", 10000) .. n):sub(1, 1000)`,
		"metatable": `local t = {string.rep("x", 1000) .. (n or 0)} n = (n or 0) + 1 last = setmetatable({}, {__index = last, t = t})`,
	} {
		b := good(t, "function on_flow(f) "+source+" end", func(o *Options) { o.Memory = 1 << 20 })
		most := int64(0)
		for range 5000 {
			b.judge(egress.Flows)
			if b.last.Err != nil {
				t.Fatal(name, b.last.Err)
			}
		}
		if most = b.machine.kept(1 << 30); most > 3<<20 || b.tally(Restarts) == 0 || b.tally(Restarts) > 20 {
			t.Errorf("%s: it keeps %d octets, and began anew %d times", name, most, b.tally(Restarts))
		}
	}
}

// A policy that keeps running away is not asked for a while, so that records go on.
func TestRest(t *testing.T) {
	b := good(t, "function on_flow(f) if armed then while true do end end end")
	b.machine.L.SetGlobal("armed", lua.LTrue)
	for range patience + 5 {
		b.judge(egress.Flows)
	}
	if b.tally(Runaways) != patience || b.tally(Resting) != 5 {
		t.Errorf("%d ran away, %d rested", b.tally(Runaways), b.tally(Resting))
	}
	b.rest = time.Now().Add(-1)
	b.machine.L.SetGlobal("armed", lua.LFalse)
	if b.judge(egress.Flows); b.last.Err != nil || !b.rest.IsZero() {
		t.Error(b.last.Err)
	}
}

// The rewritten operators are those of Lua.
func TestGuards(t *testing.T) {
	for source, want := range map[string]string{
		`print(1 .. 2 .. "x")`:                                                                                                                            "12x",
		`local t = {} t[1], t[2] = t, 5 print(t[1] == t, t[2])`:                                                                                           "true 5",
		`local t, i = {}, 40 i, t[i] = i + 1, 20 print(i, t[40])`:                                                                                         "41 20",
		`local t = {} for i = 1, 100 do t[i] = i end print(#t)`:                                                                                           "100",
		`local t = {[100] = "a", [2^3] = "b", c = "d"} print(t[100], t[8], t.c)`:                                                                          "a b d",
		`local function two() return 1, 2 end local t = {} t[50], t[51] = two() print(t[50], t[51])`:                                                      "1 2",
		`local function two() return "a", "b" end print(two() .. two())`:                                                                                  "aa",
		`local t = {} t[#t + 1] = "x" t[#t + 1] = "y" print(t[1] .. t[2])`:                                                                                "xy",
		`local m = {__concat = function(a, b) return "cat" end} local t = setmetatable({}, m) print(1 .. t .. 2)`:                                         "1cat",
		`local m = {__newindex = function(t, k, v) rawset(t, k, v * 2) end} local t = setmetatable({}, m) t[77] = 4 print(t[77])`:                         "8",
		`local a = {} a.b = {} local k = "c" a.b[k] = 1 a.b[k] = a.b[k] + 1 print(a.b.c)`:                                                                 "2",
		`print(("x"):rep(3) .. #"abc" .. -1)`:                                                                                                             "xxx3-1",
		`print((function(...) return ... .. "!" end)("a", "b"))`:                                                                                          "a!",
		`local s = "" for i = 1, 40 do s = s .. i .. "," end print(#s, s:sub(-3))`:                                                                        "111 40,",
		`print("a" .. "b" .. "c" .. "d" .. "e" .. "f" .. "g" .. "h" .. "i" .. "j" .. "k" .. "l" .. "m" .. "n" .. "o" .. "p" .. "q" .. "r" .. "s" .. "t")`: "abcdefghijklmnopqrst",
		`print(select("#", 1, 2, 3), select(2, "a", "b"), select(-1, "a", "b"), unpack({7, 8}))`:                                                          "3 b b 7 8",
	} {
		b := good(t, body(source))
		b.judge(egress.Flows)
		if got := strings.Join(b.printed, "/"); got != want || b.last.Err != nil {
			t.Errorf("%s: %q, not %q (%v)", source, got, want, b.last.Err)
		}
	}
}

// Errors in rewritten operators have the line they are in.
func TestGuardLines(t *testing.T) {
	for i, line := range []string{"local x = 'a' .. nil", "local k = {} local t = nil t[k] = 1", "local a, b = {}, {} a[{}], b[nil] = 1, 2"} {
		_, err := write(t, body("\n\n"+line))
		if err == nil || !strings.HasPrefix(err.Error(), "test.lua:4: ") {
			t.Errorf("%d: %v", i, err)
		}
	}
}

// FuzzPolicy loads any source, and calls what it defines.
func FuzzPolicy(f *testing.F) {
	for _, source := range runaways {
		f.Add(body(source))
	}
	f.Add(threeConditions)
	f.Add("function checkDNSFlow() for k, v in pairs(dns) do print(k, v) end return false end")
	f.Fuzz(func(t *testing.T, source string) {
		b, err := write(t, source, func(o *Options) { o.Instructions, o.Memory = 2000, 256<<10 })
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q", err)
			}
			return
		}
		for _, k := range []egress.Kind{egress.Flows, eventsOf(t, "dns")} {
			b.judge(k)
		}
		if j := b.Judged(); j.Records != j.Passed+j.Lost() {
			t.Errorf("account %+v", j)
		}
		if kept := b.machine.kept(1 << 30); kept > 8<<20 {
			t.Errorf("it keeps %d octets", kept)
		}
		_ = fmt.Sprint(b.told)
	})
}
