/** Lua: the state while one message is read, how an item is added to the tree, and how a reader refuses. */
export const READING: string = String.raw`
-- ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────
-- A reader is a function(c, tree) that reads one field at c.at, adds it to the tree and returns its value. Offsets count from 0.
-- If tree is nil, nothing is shown: a trial.

local byte, sub, floor = string.byte, string.sub, math.floor
local bits_of = bit or bit32 or {
  bxor = load("return function(a, b) return a ~ b end")(), band = load("return function(a, b) return a & b end")(),
}
local xor, band = bits_of.bxor, bits_of.band

local NOTHING = {} -- the value of a field that says that there is nothing
local UNKNOWN = {} -- the value of a field that only a function of the declaration knows

-- The most items that one call of the dissector adds, and the deepest level: Wireshark gives up beyond a million, and 500.
local MOST_ITEMS, MOST_LEVELS = 100000, 120

local function context(bytes, from, to, tvb, base, side)
  return {
    bytes = bytes, start = from, at = from, stop = to, tvb = tvb, base = base, side = side,
    path = {}, level = 0, depth = 0, elements = 0, empty = 0, text = 0, summed = 0, pending = {}, sums = {},
  }
end

local budget = 0

local function range(c, from, to)
  return c.tvb(c.base + from, to - from)
end

-- Add a field to the tree; returns its item. Nothing is added beyond the budget.
local function show(c, tree, f, from, to, value)
  if tree == nil or budget <= 0 then return tree end
  budget = budget - 1
  if value == nil then return tree:add(field[f], range(c, from, to)) end
  return tree:add(field[f], range(c, from, to), value)
end

local function note(c, tree, from, to, text)
  if tree == nil or budget <= 0 then return tree end
  budget = budget - 1
  return tree:add(range(c, from, to), text)
end

-- The tree for the children of an item: the item, until it gets too deep.
local function inside(c, tree, item)
  if tree ~= nil and c.level < MOST_LEVELS then return item end
  return tree
end

local function where(c)
  return table.concat(c.path)
end

local function enter(c, name)
  local path = c.path
  path[#path + 1] = type(name) == "number" and "[" .. name .. "]" or (#path == 0 and name or "." .. name)
end

local function leave(c)
  c.path[#c.path] = nil
end

local function shown(value)
  if type(value) == "number" and value % 1 == 0 then return string.format("%.0f", value) end
  if type(value) == "table" then return "another" end
  return tostring(value)
end

-- Refuse the message.
local function fail(c, code, expected, got, at)
  error({ code = code, path = where(c), expected = expected, got = shown(got), at = at or c.at, stop = c.stop }, 0)
end

local function plural(n, unit)
  return shown(n) .. " " .. unit .. (n == 1 and "" or "s")
end

local function take(c, count)
  if count > c.stop - c.at then fail(c, "ERR_MESSAGE_SHORT", plural(count, "byte"), c.stop - c.at) end
  local at = c.at
  c.at = at + count
  return at
end

-- Only program code can read the rest.
local function lose(c, tree, why)
  if tree ~= nil and c.at < c.stop then
    local item = note(c, tree, c.at, c.stop, "Not dissected: " .. why)
    item:add_proto_expert_info(expert.unexpressed, why)
  end
  c.at, c.lost, c.ever_lost = c.stop, true, true
end

local function count(c, what, amount, most, words)
  c[what] = c[what] + amount
  if c[what] > most then fail(c, "ERR_MESSAGE_LIMIT", "at most " .. shown(most) .. " " .. words, "more") end
end

-- ── Numbers ─────────────────────────────────────────────────────────────────────────────────────────────────────────
-- A number is exact up to 2^53; beyond it a value of 64 bits is its decimal digits, as text. Lua 5.4 has integers that wrap at 64 bits: a value
-- that may grow so large is made a float by the .0 of a constant.

local EXACT = 9007199254740992

-- An unsigned number of at most 6 bytes.
local function unsigned(bytes, at, width, little)
  local value = 0
  if little then
    for index = width, 1, -1 do value = value * 256 + byte(bytes, at + index) end
  else
    for index = 1, width do value = value * 256 + byte(bytes, at + index) end
  end
  return value
end

-- The low and the high 32 bits of a number of up to 8 bytes.
local function halves(bytes, at, width, little)
  if width <= 4 then return unsigned(bytes, at, width, little), 0 end
  if little then return unsigned(bytes, at, 4, true), unsigned(bytes, at + 4, width - 4, true) end
  return unsigned(bytes, at + width - 4, 4, false), unsigned(bytes, at, width - 4, false)
end

-- The number from its two halves, for Wireshark and as a value; the high half is negative if the number is.
local function whole(low, high, signed)
  local number = high * 4294967296.0 + low
  local wide = signed and Int64.new(low, high % 4294967296) or UInt64.new(low, high)
  if number > EXACT or number < -EXACT then return wide, tostring(wide) end
  return wide, number
end

local function split(number)
  local low = number % 4294967296
  return low, (number - low) / 4294967296
end

-- ── Text ────────────────────────────────────────────────────────────────────────────────────────────────────────────

-- The offset at which bytes[from, to) is not UTF-8; nil if it is.
local function utf8_fault(bytes, from, to)
  local at = from
  while at < to do
    local first = byte(bytes, at + 1)
    if first < 128 then
      at = (string.find(bytes, "[\128-\255]", at + 1) or to + 1) - 1
    else
      local length, least, most = 0, 128, 191
      if first >= 194 and first <= 223 then length = 2
      elseif first >= 224 and first <= 239 then
        length = 3
        if first == 224 then least = 160 elseif first == 237 then most = 159 end
      elseif first >= 240 and first <= 244 then
        length = 4
        if first == 240 then least = 144 elseif first == 244 then most = 143 end
      end
      if length == 0 or at + length > to then return at end
      for index = 2, length do
        local next = byte(bytes, at + index)
        if next < least or next > most then return at end
        least, most = 128, 191
      end
      at = at + length
    end
  end
end

local function utf8_of(code)
  if code < 128 then return string.char(code) end
  if code < 2048 then return string.char(192 + floor(code / 64), 128 + code % 64) end
  if code < 65536 then return string.char(224 + floor(code / 4096), 128 + floor(code / 64) % 64, 128 + code % 64) end
  return string.char(240 + floor(code / 262144), 128 + floor(code / 4096) % 64, 128 + floor(code / 64) % 64, 128 + code % 64)
end

-- The text in bytes[from, to), as UTF-8; nil if they are not text.
local function text_of(encoding, bytes, from, to)
  if encoding == "utf8" then
    if utf8_fault(bytes, from, to) then return nil end
    return sub(bytes, from + 1, to)
  end
  if encoding == "ascii" or encoding == "latin1" then
    local text = sub(bytes, from + 1, to)
    if not string.find(text, "[\128-\255]") then return text end
    if encoding == "ascii" then return nil end
    return (string.gsub(text, "[\128-\255]", function(one) return utf8_of(byte(one)) end))
  end
  if (to - from) % 2 ~= 0 then return nil end
  local parts, high = {}, nil
  for at = from, to - 2, 2 do
    local unit = unsigned(bytes, at, 2, encoding == "utf16le")
    if high ~= nil then
      if unit < 56320 or unit > 57343 then return nil end
      parts[#parts + 1] = utf8_of(65536 + (high - 55296) * 1024 + unit - 56320)
      high = nil
    elseif unit >= 55296 and unit <= 56319 then high = unit
    elseif unit >= 56320 and unit <= 57343 then return nil
    else parts[#parts + 1] = utf8_of(unit) end
  end
  if high ~= nil then return nil end
  return table.concat(parts)
end

-- Wireshark ends a text at a NUL: it is shown as U+2400.
local function printable(text)
  return (string.gsub(text, "\0", "\226\144\128"))
end

-- The number in ASCII digits; nil if they are not digits.
local function digits_of(bytes, from, to, base)
  if from >= to then return nil end
  local text = sub(bytes, from + 1, to)
  if string.find(text, base == 10 and "[^0-9]" or "[^0-9a-fA-F]") then return nil end
  local value = 0.0
  for index = 1, #text do value = value * base + tonumber(sub(text, index, index), 16) end
  return value
end

-- How far from 'from' the first terminator in bytes[from, to) is, at a multiple of 'step'; nil if there is none.
local function find_end(bytes, terminator, from, to, step)
  local at = string.find(bytes, terminator, from + 1, true)
  while at ~= nil and at - 1 + #terminator <= to do
    if (at - 1 - from) % step == 0 then return at - 1 - from end
    at = string.find(bytes, terminator, at + 1, true)
  end
end
`;
