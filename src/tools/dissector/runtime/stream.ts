/** Lua: the dissector itself: directions, messages, faults, and how it finds its place in the middle of a stream. */
export const STREAM: string = `
-- ── The dissector ───────────────────────────────────────────────────────────────────────────────────────────────────

local stream_of, seen_handshake = nil, nil
do
  local well, found = pcall(Field.new, "tcp.stream")
  if well then stream_of = found end
  well, found = pcall(Field.new, "tcp.completeness")
  if well then seen_handshake = found end
end

-- Per direction of a connection: whether frames are found there. Per packet: how many bytes were skipped.
local directions, passed_over, server_of = {}, {}, {}

local function in_range(list, port)
  for from, to in string.gmatch(list, "(%d+)%-?(%d*)") do
    if port >= tonumber(from) and port <= tonumber(to == "" and from or to) then return true end
  end
  return false
end

local function connection_of(pinfo)
  local here, there = tostring(pinfo.src) .. " " .. pinfo.src_port, tostring(pinfo.dst) .. " " .. pinfo.dst_port
  local number = stream_of and stream_of()
  local names = here < there and here .. " " .. there or there .. " " .. here
  return (number and tostring(number.value) .. " " or "") .. names, here
end

-- Which side sends this packet: by the server's port, or by the heuristics; otherwise the lower port is the server's.
local function side_of(pinfo)
  local ports = tostring(proto.prefs.port)
  if in_range(ports, pinfo.dst_port) then return client end
  if in_range(ports, pinfo.src_port) then return server end
  local connection, here = connection_of(pinfo)
  local known = server_of[connection]
  if known ~= nil then return known == here and server or client end
  return pinfo.dst_port <= pinfo.src_port and client or server
end

local function report(tree, kind, code, path, offset, text)
  local item = tree:add_proto_expert_info(kind, text)
  local note = tree:add(field.error_code, code)
  note:set_generated()
  note = tree:add(field.error_path, path)
  note:set_generated()
  note = tree:add(field.error_offset, offset)
  note:set_generated()
  return item
end

-- Dissect one message; returns its name and whether it was well-formed.
local function dissect_message(side, bytes, from, to, tvb, base, tree)
  local c, problem = read_message(side, bytes, from, to, tvb, base, tree)
  if problem ~= nil then
    local at = math.min(problem.at, to)
    local place = problem.path == "" and (c.type or "message") or (c.type and c.type .. "." or "") .. problem.path
    local text = printable(place .. ": expected " .. problem.expected .. ", got " .. problem.got .. ", at byte " .. shown(at - from))
    local item = tree:add(tvb(base + at, math.min(1, to - at)), "Malformed: " .. text)
    report(item, problem.code == "ERR_FRAME_CHECKSUM" and expert.checksum or expert.malformed, problem.code, printable(problem.path), at - from, text)
  end
  return c.type, problem == nil
end

local function show_frame(side, frame, bytes, at, tvb, tree)
  local item = tree:add(proto, tvb(at, frame.frame))
  local from_item = item:add(field.from, side.name)
  from_item:set_generated()
  for _, one in ipairs(frame.header or {}) do
    local low, high = split(one[4])
    item:add(field[one[1]], tvb(one[2], one[3] - one[2]), UInt64.new(low, high))
  end
  if frame.name then item:add(field.packet, frame.name):set_generated() end
  if frame.problem then
    local place = frame.problem.at or frame.from
    report(item, frame.problem.code == "ERR_FRAME_CHECKSUM" and expert.checksum or expert.malformed,
      frame.problem.code, "", place - at, frame.problem.text)
  end
  if frame.broken then return item, nil, false end
  local payload, from, to, source, base = bytes, frame.from, frame.to, tvb, 0
  if frame.payload ~= nil then
    payload, from, to = frame.payload, 0, #frame.payload
    if to == 0 then source, base = tvb, frame.from
    else source = ByteArray.new(payload, true):tvb("Unstuffed") end
  end
  local name, well = dissect_message(side, payload, from, to, source, base, item)
  item:append_text(", " .. side.says .. (name and ": " .. printable(name) or ""))
  return item, name, well
end

-- Whether a message of that side may begin at a byte: a whole one, or as much of it as there is.
local is_plausible
function is_plausible(side, bytes, at, stop, tvb, whole)
  local found = side.cut(bytes, at, stop, tvb)
  if found.skip then
    if at + found.skip >= stop then return false end
    return is_plausible(side, bytes, at + found.skip, stop, tvb, whole)
  end
  if found.fault or found.problem or found.poisons then return false end
  if found.more then
    if whole or found.body == nil then return false end
    local _, problem = read_message(side, bytes, found.body, math.max(found.body, stop), tvb, 0, nil)
    return problem == nil or problem.code == "ERR_MESSAGE_SHORT" or problem.code == "ERR_MESSAGE_EMPTY"
  end
  local payload, from, to, source, base = bytes, found.from, found.to, tvb, 0
  if found.payload then
    payload, from, to, base = found.payload, 0, #found.payload, 0
    if to > 0 then source = ByteArray.new(payload, true):tvb("Unstuffed") end
  end
  local _, problem = read_message(side, payload, from, to, source, base, nil)
  return problem == nil
end

-- Where a message may begin, at a byte or after it; nil if nothing says so.
local function next_start(side, bytes, at, stop, tvb)
  while at < stop do
    if is_plausible(side, bytes, at, stop, tvb, false) then return at end
    if side.delimiters == nil then return nil end
    local _, last = find_delimiter(side.delimiters, bytes, at, stop)
    if last == nil then return nil end
    at = last
  end
  return nil
end

local function add_names(pinfo, names)
  if #names == 0 then return end
  pinfo.cols.protocol = label
  pinfo.cols.info:clear()
  pinfo.cols.info:append(table.concat(names, ", ") .. " ")
  pinfo.cols.info:fence()
end

local MOST_NAMES = 20

local function call_key(tvb, bytes, pinfo)
  return pinfo.number .. " " .. tvb:len() .. " " .. sub(bytes, 1, 24)
end

local function begins_with_preface(side, bytes, at, stop)
  if side.preface == nil or stop - at == 0 then return nil end
  local length = math.min(#side.preface, stop - at)
  if sub(bytes, at + 1, at + length) ~= sub(side.preface, 1, length) then return nil end
  return length
end

-- Dissect frame after frame; returns the bytes that it claims, 0 for none.
local function dissect(tvb, pinfo, tree, is_stream)
  local stop = tvb:len()
  if stop == 0 then return 0 end
  local bytes = tvb:raw(0, stop)
  local side = side_of(pinfo)
  local names, more_names, at = {}, 0, 0
  local state, key
  budget = MOST_ITEMS
  if is_stream then
    local connection, here = connection_of(pinfo)
    key = call_key(tvb, bytes, pinfo)
    local name = connection .. " from " .. here
    state = directions[name]
    if state == nil then
      local seen = seen_handshake and seen_handshake()
      state = { synced = seen ~= nil and seen.value % 4 > 0, claimed = false }
      directions[name] = state
    end
    local skipped = passed_over[key]
    if skipped == nil and not pinfo.visited and not state.synced then
      skipped = begins_with_preface(side, bytes, 0, stop) and 0 or next_start(side, bytes, 0, stop, tvb) or stop
      passed_over[key] = skipped
      if skipped < stop then state.synced = true end
    end
    at = skipped or 0
    if at == stop and not state.claimed then return 0 end
    state.claimed = true
    if at > 0 then
      local item = tree:add(proto, tvb(0, at))
      item:append_text(", " .. shown(at) .. " bytes before a message that can be found")
      item:add_proto_expert_info(expert.joined, "Joined in the middle, or behind a fault: " .. shown(at) .. " bytes are passed over")
    end
  end
  local function name_of(name)
    if #names < MOST_NAMES then names[#names + 1] = name
    else more_names = more_names + 1 end
  end
  while at < stop do
    local preface = at == 0 and begins_with_preface(side, bytes, at, stop)
    local found
    if preface and preface < #side.preface then found = { more = #side.preface }
    elseif preface then found = { skip = preface, what = "Preface" }
    else found = side.cut(bytes, at, stop, tvb) end
    if found.frame and not found.poisons then
      local _, name, well = show_frame(side, found, bytes, at, tvb, tree)
      name_of((name and printable(name) or "message") .. (well and "" or " [malformed]"))
      at = at + found.frame
    elseif found.skip then
      if found.what ~= "Delimiter" then
        local item = tree:add(proto, tvb(at, found.skip))
        item:append_text(", " .. found.what .. ", " .. plural(found.skip, "byte"))
        name_of("[" .. string.lower(found.what) .. "]")
      end
      at = at + found.skip
    elseif found.more and is_stream and pinfo.can_desegment > 0 and tvb:reported_len() == stop then
      pinfo.desegment_offset = at
      pinfo.desegment_len = found.more == true and DESEGMENT_ONE_MORE_SEGMENT or found.more - (stop - at)
      break
    elseif found.more then
      local item = tree:add(proto, tvb(at, stop - at))
      report(item, expert.truncated, "ERR_FRAME_TRUNCATED", "", 0, "A frame that is not complete here: " .. plural(stop - at, "byte") .. " of it")
      name_of("[incomplete]")
      at = stop
    else
      if found.poisons then show_frame(side, found, bytes, at, tvb, tree)
      else
        local item = tree:add(proto, tvb(at, stop - at))
        report(item, expert.malformed, found.fault, "", found.at - at, found.text)
      end
      name_of("[malformed]")
      if state ~= nil and not pinfo.visited then state.synced = false end
      at = stop
    end
  end
  if more_names > 0 then names[#names + 1] = "and " .. shown(more_names) .. " more" end
  add_names(pinfo, names)
  return stop
end

-- A datagram that is one message, without a framing.
local function dissect_datagram(tvb, pinfo, tree)
  local stop = tvb:len()
  if not proto.prefs.bare then return dissect(tvb, pinfo, tree, false) end
  budget = MOST_ITEMS
  local frame = { frame = stop, from = 0, to = stop }
  local _, name = show_frame(side_of(pinfo), frame, tvb:raw(0, stop), 0, tvb, tree)
  add_names(pinfo, { name and printable(name) or "message" })
  return stop
end

-- If the preference is on, claim a connection on another port whose first bytes are a whole message of either side.
local function guess(tvb, pinfo, tree)
  if not proto.prefs.heuristic or tvb:len() == 0 then return false end
  local stop = tvb:len()
  local bytes = tvb:raw(0, stop)
  local connection, here = connection_of(pinfo)
  for _, side in ipairs({ client, server }) do
    if begins_with_preface(side, bytes, 0, stop) == (side.preface and #side.preface or -1)
      or is_plausible(side, bytes, 0, stop, tvb, true) then
      local there = tostring(pinfo.dst) .. " " .. pinfo.dst_port
      server_of[connection] = side == client and there or here
      pinfo.conversation = proto
      dissect(tvb, pinfo, tree, true)
      return true
    end
  end
  return false
end

local UDP = 3

function proto.dissector(tvb, pinfo, tree)
  if pinfo.port_type == UDP then return dissect_datagram(tvb, pinfo, tree) end
  return dissect(tvb, pinfo, tree, true)
end

proto:register_heuristic("tcp", guess)

local registered = ""
local function register()
  local ports = tostring(proto.prefs.port)
  if ports == registered then return end
  for _, name in ipairs(transports) do
    local ports_of = DissectorTable.get(name)
    if registered ~= "" then ports_of:remove(registered, proto) end
    if ports ~= "" then ports_of:add(ports, proto) end
  end
  registered = ports
end

function proto.init()
  directions, passed_over, server_of = {}, {}, {}
  register()
end

function proto.prefs_changed()
  register()
end

register()
for _, name in ipairs(transports) do DissectorTable.get(name):add_for_decode_as(proto) end
`;
