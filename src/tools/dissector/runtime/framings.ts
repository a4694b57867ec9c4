/** Lua: how a stream is cut into frames. Each maker gives a function(bytes, at, stop) that returns what begins at a byte. */
export const FRAMINGS: string = String.raw`
-- ── Framings ────────────────────────────────────────────────────────────────────────────────────────────────────────
-- A framing is a function(bytes, at, stop) that returns what begins at a byte:
--   { frame = its bytes, from, to, payload, header, problem }     a frame, its payload in bytes[from, to) or in 'payload'
--   { more = the bytes that the frame has at least, or true }     more bytes are needed
--   { skip = a number of bytes, what = in words }                 bytes outside of frames
--   { fault = a code, text = in words, at = where }               no frame can begin here

local function fault(code, text, at)
  return { fault = code, text = text, at = at }
end

local function too_long(actual, most, at)
  return fault("ERR_FRAME_TOO_LONG", "frame of " .. shown(actual) .. " bytes exceeds the maximum of " .. shown(most), at)
end

-- A length field: its value and width; nil and the bytes that are needed; false if there is no valid length.
local function length_field(o, bytes, at, stop)
  if o.form == "varint" then
    local value, scale = 0, 1.0
    for width = 1, o.most do
      if at + width > stop then return nil, width end
      local next = byte(bytes, at + width)
      value, scale = value + next % 128 * scale, scale * 128
      if next < 128 then return value, width end
    end
    return false
  end
  if o.form == "7/16/64" then
    if at >= stop then return nil, 1 end
    local short = byte(bytes, at + 1) % 128
    local width = short < 126 and 1 or short == 126 and 3 or 9
    if at + width > stop then return nil, width end
    if width == 1 then return short, 1 end
    local low, high = halves(bytes, at + 1, width - 1, false)
    return high * 4294967296.0 + low, width
  end
  if at + o.width > stop then return nil, o.width end
  if o.form == "binary" then
    local low, high = halves(bytes, at, o.width, o.little)
    if o.shift then return floor(low / 2 ^ o.shift) % 2 ^ o.bits, o.width end
    return high * 4294967296.0 + low, o.width
  end
  local value = digits_of(bytes, at, at + o.width, o.form == "decimal" and 10 or 16)
  return value or false, o.width
end

-- Whether the checksum of a frame is right.
local function valid_by_sum(o)
  local width = o.width
  return function(bytes, from, to)
    local function place(value) return (value < 0 and to or from) + value end
    local at, first, last = place(o.at), place(o.from), place(o.to)
    if at < from or at + width > to or first < from or last > to or first > last then return false, "no room for the sum", at end
    local due, sent = o.sum(bytes, first, last), nil
    if o.form == "binary" then
      local low, high = halves(bytes, at, width, o.little)
      sent = high * 4294967296.0 + low
    else sent = digits_of(bytes, at, at + width, o.form == "decimal" and 10 or 16) end
    return due == sent, "expected " .. o.algorithm .. " " .. shown(due) .. ", got " .. shown(sent), at
  end
end

local function judged(frame, o, bytes, from, to)
  if o.valid then
    local well, text, at = o.valid(bytes, from, to)
    if not well then frame.problem = { code = "ERR_FRAME_CHECKSUM", text = "a frame that is not valid: " .. text, at = at } end
  end
  return frame
end

local function length_prefix(o)
  return function(bytes, at, stop)
    local value, width = length_field(o.field, bytes, at + o.field.offset, stop)
    if value == nil then return { more = o.field.offset + width } end
    if value == false then return fault("ERR_FRAME_LENGTH", "no length in the length field", at) end
    local body = value + o.adjustment - (o.counts_itself and width or 0)
    if body < 0 then return fault("ERR_FRAME_LENGTH", "a length of " .. shown(body) .. " bytes", at) end
    if body > o.maximum then return too_long(body, o.maximum, at) end
    local header = o.field.offset + width
    local total = header + body
    local strip = math.min(o.strips or header, total)
    if stop - at < total then return { more = total, body = at + strip } end
    local place = at + o.field.offset
    return { frame = total, from = at + strip, to = at + total, header = { { "frame_length", place, place + width, value } } }
  end
end

local function fixed_length(o)
  return function(_, at, stop)
    if stop - at < o.length then return { more = o.length } end
    return { frame = o.length, from = at, to = at + o.length }
  end
end

-- The earliest of several delimiters in bytes[from, stop), the longest at the same place; or nil, and whether a delimiter may be cut off.
local function find_delimiter(list, bytes, from, stop)
  local first, last
  for _, one in ipairs(list) do
    local found = string.find(bytes, one, from + 1, true)
    if found and found - 1 + #one <= stop then
      local place = found - 1
      if first == nil or place < first or place == first and place + #one > last then first, last = place, place + #one end
    end
  end
  if first == nil then return nil end
  -- A longer delimiter, or one that begins earlier, may be cut off by the end of the bytes.
  for _, one in ipairs(list) do
    for length = math.min(#one - 1, stop - from), 1, -1 do
      local place = stop - length
      if sub(bytes, place + 1, stop) == sub(one, 1, length) and (place < first or place == first and #one > last - first) then return nil end
    end
  end
  return first, last
end

local function delimited(o)
  return function(bytes, at, stop)
    local from = at
    if o.start then
      local found = string.find(bytes, o.start, at + 1, true)
      if found == nil or found - 1 + #o.start > stop then
        for length = math.min(#o.start - 1, stop - at), 1, -1 do
          if sub(bytes, stop - length + 1, stop) == sub(o.start, 1, length) then
            if length == stop - at then return { more = true } end
            return { skip = stop - length - at, what = "Noise" }
          end
        end
        return { skip = stop - at, what = "Noise" }
      end
      if found - 1 > at then
        if not o.skips_noise then return fault("ERR_FRAME_NOISE", "bytes outside a frame", at) end
        return { skip = found - 1 - at, what = "Noise" }
      end
      from = at + #o.start
    end
    local first, last = find_delimiter(o.delimiters, bytes, from, stop)
    if (first or stop - o.longest) - from > o.maximum then
      return fault("ERR_FRAME_TOO_LONG", "frame longer than the maximum of " .. shown(o.maximum), at)
    end
    if first == nil then return { more = true, body = o.strips_start and from or at } end
    if last + o.trailer > stop then return { more = last + o.trailer - at } end
    local payload_from = o.strips_start and from or at
    local payload_to = o.strips and first or last + o.trailer
    return judged({ frame = last + o.trailer - at, from = payload_from, to = payload_to }, o, bytes, payload_from, payload_to)
  end
end

-- The bytes of a COBS frame; nil and the offset of the error.
local function uncobs(bytes, from, to)
  local parts, at = {}, from
  while at < to do
    local code = byte(bytes, at + 1)
    if code == 0 or at + code > to then return nil, at end
    parts[#parts + 1] = sub(bytes, at + 2, at + code)
    at = at + code
    if code < 255 and at < to then parts[#parts + 1] = "\0" end
  end
  return table.concat(parts)
end

local function unstuff(o, bytes, from, to)
  local parts, at = {}, from
  while at < to do
    local next = byte(bytes, at + 1)
    local place = at
    at = at + 1
    if next == o.escape then
      while at < to and o.ignored[byte(bytes, at + 1)] do at = at + 1 end
      next = at < to and o.unescaped[byte(bytes, at + 1)] or nil
      at = at + 1
      if next == nil then return nil, place end
      parts[#parts + 1] = string.char(next)
    elseif o.forbidden[next] then return nil, place
    elseif not o.ignored[next] then parts[#parts + 1] = string.char(next) end
  end
  return table.concat(parts)
end

-- A frame whose payload has to be decoded from its bytes.
local function unpacked(o, at, to, total, payload, wrong)
  local frame = { frame = total, from = at, to = to, payload = payload }
  if payload == nil then
    frame.problem = { code = "ERR_FRAME_STUFFING", text = "invalid stuffing", at = wrong }
    frame.broken = true
  elseif #payload > o.maximum then
    return too_long(#payload, o.maximum, at)
  else judged(frame, o, payload, 0, #payload) end
  if frame.problem and frame.problem.code == "ERR_FRAME_CHECKSUM" then frame.problem.at = nil end
  return frame
end

local function cobs(o)
  return function(bytes, at, stop)
    local found = string.find(bytes, "\0", at + 1, true)
    if found == nil or found > stop then
      if stop - at > o.maximum + floor(o.maximum / 254) + 1 then return too_long(stop - at, o.maximum, at) end
      return { more = true }
    end
    if found - 1 == at then return { skip = 1, what = "Delimiter" } end
    local payload, wrong = uncobs(bytes, at, found - 1)
    return unpacked(o, at, found - 1, found - at, payload, wrong)
  end
end

local function stuffed(o)
  return function(bytes, at, stop)
    if o.start and byte(bytes, at + 1) ~= byte(o.start) then
      local found = string.find(bytes, o.start, at + 1, true)
      return { skip = (found and found <= stop and found - 1 or stop) - at, what = "Noise" }
    end
    local from = o.start and at + 1 or at
    local found = string.find(bytes, o.delimiter, from + 1, true)
    if found == nil or found > stop then
      if stop - at > 2 * o.maximum + 2 then return too_long(stop - at, o.maximum, at) end
      return { more = true }
    end
    local to = found - 1
    -- Continue after the last start, or the last byte that cancels, inside the frame.
    for index = to - 1, from, -1 do
      local one = sub(bytes, index + 1, index + 1)
      if one == o.start or one == o.cancel then
        return { skip = (one == o.start and index or index + 1) - at, what = "A frame that was given up" }
      end
    end
    if to == from and not o.empty_frames then return { skip = 1, what = "Delimiter" } end
    local payload, wrong = unstuff(o, bytes, from, to)
    return unpacked(o, at, to, found - at, payload, wrong)
  end
end

-- Frames that begin with a flag and contain their length.
local function stuffed_length(o)
  return function(bytes, at, stop)
    if sub(bytes, at + 1, at + 1) ~= o.delimiter then
      local found = string.find(bytes, o.delimiter, at + 1, true)
      return { skip = (found and found <= stop and found - 1 or stop) - at, what = "Noise" }
    end
    local index, parts, length = at + 1, {}, nil
    while index < stop do
      local next, place = byte(bytes, index + 1), index
      index = index + 1
      if not o.ignored[next] then
        if next == o.escape then
          while index < stop and o.ignored[byte(bytes, index + 1)] do index = index + 1 end
          if index == stop then break end
          next = o.unescaped[byte(bytes, index + 1)]
          index = index + 1
        elseif string.char(next) == o.delimiter or o.forbidden[next] then next = nil end
        if next == nil then return { skip = place + 1 - at, what = "Noise" } end
        parts[#parts + 1] = string.char(next)
        if #parts == o.needs then
          local value = length_field(o.field, table.concat(parts), o.field.offset, #parts)
          length = value and value + o.add
          if not length or length < o.needs or length > o.maximum then return { skip = 1, what = "Noise" } end
        end
        if #parts == length then return unpacked(o, at, index, index - at, table.concat(parts)) end
      end
    end
    return { more = true }
  end
end

-- Whether the first bytes of a packet are there: true, false, or nil if more are needed.
local function mark_stands(o, bytes, at, stop)
  for index = 1, #o.start do
    if at + index > stop then return nil end
    local there, due = byte(bytes, at + index), byte(o.start, index)
    local mask = o.mask and byte(o.mask, index) or 255
    if band(xor(there, due), mask) ~= 0 then return false end
  end
  return true
end

-- The length of the packet of one kind at a byte; nil and its least length; false if none begins.
local function packet_length(o, bytes, at, stop)
  if o.start then
    local stands = mark_stands(o, bytes, at, stop)
    if stands == false then return false end
    if stands == nil then return nil, stop - at + 1 end
  end
  if stop - at < o.header then return nil, o.header end
  local length
  if o.by == "number" then length = o.length
  elseif o.by == "field" then
    local value = length_field(o.field, bytes, at + o.field.offset, stop)
    length = value and value + o.add
    if not length or length < o.header then return false end
  else
    local found = string.find(bytes, o.ending, at + o.header + 1, true)
    if found == nil or found - 1 + #o.ending > math.min(stop, at + o.maximum) then
      if stop - at + 1 > o.maximum then return false end
      return nil, stop - at + 1
    end
    length = found - 1 + #o.ending + o.trailer - at
  end
  if length > o.maximum then return false end
  if stop - at < length then return nil, length end
  return length
end

local function packets(o)
  local function judge(bytes, at, stop)
    for _, kind in ipairs(o.kinds) do
      local length, needs = packet_length(kind, bytes, at, stop)
      if length == nil then return { more = needs } end
      if length and (not kind.valid or kind.valid(bytes, at, at + length)) then
        return { frame = length, from = at, to = at + length, name = kind.name }
      end
    end
  end
  return function(bytes, at, stop)
    local found = judge(bytes, at, stop)
    if found then return found end
    if not o.skips_noise then return fault("ERR_FRAME_NOISE", "bytes outside a frame", at) end
    local index = at + 1
    while index < stop and judge(bytes, index, stop) == nil do index = index + 1 end
    return { skip = index - at, what = "Noise" }
  end
end

local function trim(text)
  return (string.gsub(string.gsub(text, "^%s+", ""), "%s+$", ""))
end

-- The text between separators, as a list.
local function pieces(text, separator)
  local list, at = {}, 1
  while true do
    local from, to = string.find(text, separator, at, true)
    list[#list + 1] = sub(text, at, from and from - 1 or #text)
    if from == nil then return list end
    at = to + 1
  end
end

-- The length in a header; nil if it has none, false if it is not a length.
local function header_length(o, header)
  local function number(text)
    text = trim(text)
    return digits_of(text, 0, #text, o.base) or false
  end
  local found
  if o.by == "column" then
    local columns = pieces(header, o.separator)
    local text = columns[o.column < 0 and #columns + 1 + o.column or o.column + 1]
    if text ~= nil then found = number(text) end
  else
    for _, line in ipairs(pieces(header, o.separator)) do
      local from, to = string.find(line, o.name_end, 1, true)
      if from and o.names[string.lower(trim(sub(line, 1, from - 1)))] then
        local value = number(sub(line, to + 1))
        if value == false or found ~= nil and found ~= value then return false end
        found = value
      end
    end
  end
  if found == nil then return o.otherwise end
  return found and found + o.add
end

local function headed(o)
  return function(bytes, at, stop)
    if o.ignored[byte(bytes, at + 1)] then return { skip = 1, what = "Passed over" } end
    local behind = at
    for _ = 1, o.end_count do
      local from, to = string.find(bytes, o.ending, behind + 1, true)
      if from == nil or to > math.min(stop, at + o.max_header) then
        if stop - at >= o.max_header then return fault("ERR_FRAME_LENGTH", "a header that does not end", at) end
        return { more = true }
      end
      behind = to
    end
    local length = header_length(o, sub(bytes, at + 1, behind - #o.ending))
    if length == false or length and length < 0 then return fault("ERR_FRAME_LENGTH", "a header that says no length", at) end
    local total
    if length ~= nil then total = behind - at + length + o.trailer
    elseif o.finish == nil then return fault("ERR_FRAME_LENGTH", "a header that says no length", at)
    else
      local _, to = string.find(bytes, o.finish, behind + 1, true)
      if to == nil or to > stop then
        if stop - at >= o.maximum then return too_long(stop - at, o.maximum, at) end
        return { more = true }
      end
      total = to - at
    end
    if total > o.maximum then return too_long(total, o.maximum, at) end
    if stop - at < total then return { more = total } end
    return { frame = total, from = at, to = at + total }
  end
end

-- A frame is one message, and ends where its declaration ends.
local function self_delimiting(o, side)
  return function(bytes, at, stop, tvb)
    local c, problem = read_message(side(), bytes, at, stop, tvb, 0, nil)
    if problem == nil then
      if c.at - at > o.maximum then return too_long(c.at - at, o.maximum, at) end
      if c.lost then return fault("ERR_FRAME_LENGTH", "a message whose end is not known", at) end
      if c.at == at then return fault("ERR_FRAME_LENGTH", "a message of no bytes", at) end
      return { frame = c.at - at, from = at, to = c.at }
    end
    local short = (problem.code == "ERR_MESSAGE_SHORT" or problem.code == "ERR_MESSAGE_EMPTY") and problem.stop == stop
    if short and stop - at < o.maximum then return { more = true } end
    if short then return too_long(stop - at, o.maximum, at) end
    return { frame = stop - at, from = at, to = stop, broken = false, poisons = true }
  end
end

-- A framing that only program code can cut: everything is shown as bytes.
local function uncut()
  return function(_, at, stop)
    return { skip = stop - at, what = "Not dissected: the framing is a function of the program" }
  end
end
`;
