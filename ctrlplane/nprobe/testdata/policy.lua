-- What comes of one direction only is left out.
function on_flow(f)
	if not f.OUT_PKTS then f:drop("unidirectional") end
end
