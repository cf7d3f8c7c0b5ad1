-- A policy that decides about records before exporters get them. Try it with
--
--   weir policy test policy.lua --replay capture.pcap
--
-- and have weir use it with file = "…/policy.lua" in [policy]. policy.md explains what there is.

-- What rules look for. A filter is a list of tests, all of which have to hold: a field by its label or its name
-- at IANA, how to compare it, and with what.
local rules = {
	{
		id = "cleartext-password",
		filter = {{"TRANSACTION_PROTOCOL", "in", {"ftp", "pop3", "imap"}}, {"FTP_LOGIN", "given"}},
	},
	{
		id = "long-name",
		filter = {{"DNS_QUERY", "longer", 100}},
	},
	{
		id = "large-upload",
		filter = {{"octetDeltaCount", ">", 1e9}, {"L4_DST_PORT", "==", 443}},
	},
}

local tests = {
	["=="] = function(value, with) return value == with end,
	[">"] = function(value, with) return value > with end,
	["<"] = function(value, with) return value < with end,
	matches = function(value, with) return string.find(value, with) ~= nil end,
	longer = function(value, with) return #value > with end,
	given = function() return true end,
	["in"] = function(value, with)
		for _, one in ipairs(with) do
			if value == one then return true end
		end
		return false
	end,
}

-- A test of a field that the record lacks does not hold.
local function holds(flow, test)
	local value = flow[test[1]]
	return value ~= nil and tests[test[2]](value, test[3])
end

-- What is done when a rule holds: here an alert, once in ten minutes for each client.
function execMatchCommand(label, flow, id, r)
	local client = flow.IPV4_SRC_ADDR or flow.IPV6_SRC_ADDR or "?"
	if state.incr("alert " .. id .. " " .. client, 1, 600) == 1 then
		flow:alert{name = id, severity = "warning", message = label .. " of " .. client .. " meets rule " .. id}
	end
	flow:tag(id)
end

-- The loop that scripts of nProbe go by: every rule, and of a rule every test of its filter.
function checkFlow(label, flow, rule)
	for i = 1, #rule do
		local id = rule[i].id
		local filter = rule[i].filter

		local rsp = true -- be optimistic

		if debug == true then io.write("Checking rule " .. id .. "\n") end

		for j = 1, #filter do
			if not holds(flow, filter[j]) then
				rsp = false
				break
			end
		end

		if debug == true then io.write("Result for rule " .. id .. "=" .. tostring(rsp) .. "\n") end

		if rsp == true then
			execMatchCommand(label, flow, id, rule[i])
		end
	end
end

function on_flow(f)
	-- What was never answered is no flow of use, unless it is one of many: somebody looks for open ports.
	if f.OUT_PKTS == 0 then
		local client = f.IPV4_SRC_ADDR or f.IPV6_SRC_ADDR or "?"
		if state.incr("unanswered " .. client, 1, 60) == 100 then
			f:alert{name = "scan", severity = "error", message = client .. " has sent to 100 that do not answer"}
		end
		f:drop("unidirectional")
		return
	end
	checkFlow("flow", f, rules)
end

function on_event(e)
	checkFlow("event", e, rules)
end

-- As in nProbe: called for each transaction of DNS, which is in a table of the name.
function checkDNSFlow()
	if dns["dns.query"] == "malware.example" then
		print(dns["flow.from"] .. " has asked for malware.example")
	end
end
