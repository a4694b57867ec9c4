-- What a dissector needs of Wireshark, so far that it runs without it: prints what would be added to the tree.
-- Arguments: files, each a dissector and the packets for it, as name.lua and name.hex with a packet a line.

if bit32 then bit = bit32 end

local output

local function show(value)
  if type(value) == "number" and value % 1 == 0 then return string.format("%.0f", value) end
  return tostring(value)
end

local function anything()
  local object = {}
  return setmetatable(object, { __index = function() return function() return object end end })
end

-- A number of 64 bits, as its halves: whole numbers both, or the dissector is wrong.
local function wide(low, high)
  assert(low % 1 == 0 and high % 1 == 0 and low >= 0 and high >= 0 and low < 2 ^ 32 and high < 2 ^ 32)
  return setmetatable({}, { __tostring = function() return string.format("%.0f:%.0f", high, low) end })
end
UInt64, Int64 = { new = wide }, { new = wide }

local proto
Proto = { new = function(name)
  proto = setmetatable({ abbr = name, prefs = {} }, { __index = { register_heuristic = function() end } })
  return proto
end }
ProtoField = setmetatable({}, { __index = function() return function(abbr) return { abbr = abbr } end end })
ProtoExpert = { new = function(abbr) return { abbr = abbr } end }
local function default(_, value) return value end
Pref = { range = default, bool = default, string = default }
Field = { new = function() error("no field") end }
DissectorTable = { get = anything }
base = {}

local function Tvb(data)
  local tvb = {}
  function tvb:len() return #data end
  function tvb:reported_len() return #data end
  function tvb:raw(at, length) return data:sub(at + 1, at + length) end
  local function float() return 1.5 end
  return setmetatable(tvb, { __call = function(_, at, length)
    assert(at % 1 == 0 and length % 1 == 0 and at >= 0 and length >= 0 and at + length <= #data, "a range outside of the bytes")
    return { at = at, length = length, float = float, le_float = float }
  end })
end
ByteArray = { new = function(data) return { tvb = function() return Tvb(data) end } end }

local function Tree()
  local tree = {}
  function tree:add(field, place, value)
    if field.at then field, place, value = {}, field, place end
    if type(place) ~= "table" or not place.at then place, value = {}, place end
    output[#output + 1] = table.concat({ field.abbr or "text", show(place.at), show(place.length), show(value) }, " ")
    return tree
  end
  function tree:add_proto_expert_info(kind, text)
    output[#output + 1] = kind.abbr .. " " .. text
    return tree
  end
  function tree:set_len(length) assert(length % 1 == 0) end
  function tree:append_text() end
  function tree:set_generated() end
  return tree
end

for _, name in ipairs(arg) do
  assert(loadfile(name .. ".lua"))()
  for line in io.lines(name .. ".hex") do
    output = {}
    local packet = line:gsub("%x%x", function(digits) return string.char(tonumber(digits, 16)) end)
    proto.dissector(Tvb(packet), {
      src = "10.0.0.1", dst = "10.0.0.2", src_port = 5000, dst_port = 4000, number = 1, visited = false,
      can_desegment = 0, port_type = 3, cols = setmetatable({}, { __index = anything }),
    }, Tree())
    print(table.concat(output, " | "))
  end
end
