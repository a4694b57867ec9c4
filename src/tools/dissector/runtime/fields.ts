/** Lua: a function for each shape of field that creates its reader. The generated part calls these functions. */
export const FIELDS: string = String.raw`
-- ── Fields ──────────────────────────────────────────────────────────────────────────────────────────────────────────

-- Find an earlier field, here or in an enclosing structure.
local function find(c, path)
  local scope = c.scope
  while scope ~= nil and not scope.names[path[1]] do scope = scope.outer end
  local value = scope and scope.values[path[1]]
  for index = 2, #path do
    if type(value) ~= "table" then return nil end
    if value == UNKNOWN then return UNKNOWN end
    value = value[path[index]]
  end
  return value
end

-- Whether a condition holds for a value.
local function holds(when, value)
  local found = when.is[value] ~= nil and value ~= nil
  if not found and when.least ~= nil and value ~= nil and type(value) ~= "boolean" then
    local number = type(value) == "number" and value or when.numeric and tonumber(value)
    found = number and number >= when.least and number <= when.most or false
  end
  return found ~= when.no
end

-- ── Sizes and counts: { read = function(c, tree), literal, finish } ──

local function literal(number)
  return { literal = number }
end

local function adjusted(number, by)
  if by == nil or type(number) ~= "number" or number % 1 ~= 0 then return number end
  if number == by.nothing then return NOTHING end
  return number * by.unit + by.add
end

-- A 64-bit size that a number does not hold exactly is larger than any maximum.
local function size_of(value)
  if type(value) == "string" then return tonumber(value) end
  return value
end

local function prefix(reader, by)
  return { read = function(c, tree) return adjusted(size_of(reader(c, tree)), by) end }
end

local function earlier(path, by)
  return { read = function(c)
    local value = find(c, path)
    if value == nil and c.ever_lost then return UNKNOWN end
    return adjusted(size_of(value), by)
  end }
end

-- The value of an earlier field, as a tag.
local function said(path)
  return { read = function(c)
    local value = find(c, path)
    if value == nil and c.ever_lost then return UNKNOWN end
    return value
  end }
end

local function parameter_size(name, by)
  return { read = function(c) return adjusted(parameters[name](c.side), by) end }
end

local rest = { read = function(c) return c.stop - c.at end }

local function rest_up_to(most)
  return { read = function(c) return math.min(most, c.stop - c.at) end }
end

local function ended(terminator, step)
  return {
    read = function(c, tree, max)
      local reach = math.min(c.stop, c.at + max + #terminator)
      local length = find_end(c.bytes, terminator, c.at, reach, step)
      if length ~= nil then return length end
      if reach == c.stop then fail(c, "ERR_MESSAGE_SHORT", "a terminator", "the end", c.stop) end
      fail(c, "ERR_FIELD_TOO_LONG", "a terminator after at most " .. plural(max, "byte"), "none")
    end,
    finish = function(c) c.at = c.at + #terminator end,
  }
end

-- A size after checks; NOTHING, or nil if it is not known.
local function measure(c, tree, size, max, unit)
  if size.literal then return size.literal end
  local start = c.at
  local value = size.read(c, tree, max)
  if c.lost then return nil end
  if value == NOTHING then return NOTHING end
  if value == UNKNOWN then
    lose(c, tree, "a size that only a function of the declaration knows")
    return nil
  end
  if type(value) ~= "number" or value % 1 ~= 0 or value < 0 then
    fail(c, "ERR_MESSAGE_VALUE", "a size of 0 or more " .. unit, value, start)
  end
  if value > max then fail(c, "ERR_FIELD_TOO_LONG", "at most " .. plural(max, unit), value, start) end
  return value
end

-- ── Numbers ──

local function integer(o)
  return function(c, tree)
    local at = take(c, o.width)
    local low, high = halves(c.bytes, at, o.width, o.little)
    local value, item
    if o.width <= 4 then
      local limit = 2 ^ (8 * o.width)
      if o.signed and low >= limit / 2 then low = low - limit end
      value = low
      item = show(c, tree, o.f, at, c.at, low)
    else
      local limit = 2 ^ (8 * o.width - 32)
      if o.signed and high >= limit / 2 then high = high - limit end
      local wide
      wide, value = whole(low, high, o.signed)
      item = show(c, tree, o.f, at, c.at, wide)
      if not o.big and (type(value) == "string" or value >= EXACT or value <= -EXACT) then
        fail(c, "ERR_MESSAGE_VALUE", "a number that is exact", value, at)
      end
    end
    if o.truth then
      if value > 1 then fail(c, "ERR_MESSAGE_VALUE", "0 or 1", value, at) end
      return value == 1
    end
    if o.names == nil then return value end
    local name = o.names[value]
    if name == nil and o.closed then fail(c, "ERR_MESSAGE_VALUE", "one of its names", value, at) end
    return name or value
  end
end

-- Some bits of a number of 64 bits, as a number of the same kind.
local function part(low, high, shift, width)
  local first, second
  if shift >= 32 then first, second = floor(high / 2 ^ (shift - 32)), 0
  elseif shift == 0 then first, second = low, high
  else
    local carried = 2 ^ shift
    first = floor(low / carried) + high % carried * 2 ^ (32 - shift)
    second = floor(high / carried)
  end
  if width <= 32 then return first % 2 ^ width, 0 end
  return first, second % 2 ^ (width - 32)
end

local function bits(o)
  return function(c, tree)
    local at = take(c, o.width)
    local low, high = halves(c.bytes, at, o.width, o.little)
    local item
    if o.width <= 4 then item = show(c, tree, o.f, at, c.at, low)
    else item = show(c, tree, o.f, at, c.at, UInt64.new(low, high)) end
    item = inside(c, tree, item)
    local values, left_low, left_high = {}, low, high
    for _, member in ipairs(o.members) do
      local first, second = part(low, high, member.shift, member.width)
      if member.width == 1 and first == 1 then
        if member.shift < 32 then left_low = left_low - 2 ^ member.shift else left_high = left_high - 2 ^ (member.shift - 32) end
      end
      if member.signed then
        if member.width <= 32 then
          if first >= 2 ^ (member.width - 1) then first, second = (first - 2 ^ member.width) % 4294967296, -1 end
        elseif second >= 2 ^ (member.width - 33) then second = second - 2 ^ (member.width - 32) end
      end
      local wide, value = whole(first, second, member.signed)
      if o.width <= 4 then show(c, item, member.f, at, c.at, member.signed and low >= 2147483648 and low - 4294967296 or low)
      elseif member.truth or member.width <= 32 and not member.signed then show(c, item, member.f, at, c.at, value)
      else show(c, item, member.f, at, c.at, wide) end
      if member.constant ~= nil then
        if value ~= member.constant then
          enter(c, member.name)
          fail(c, "ERR_MESSAGE_VALUE", shown(member.constant), value, at)
        end
      elseif member.truth then values[member.name] = value == 1
      else values[member.name] = value end
    end
    if o.closed and (left_low > 0 or left_high > 0) then
      fail(c, "ERR_MESSAGE_VALUE", "no bits without a name", low, at)
    end
    return values
  end
end

local function float(o)
  return function(c, tree)
    local at = take(c, o.width)
    local bytes = range(c, at, c.at)
    local value = o.little and bytes:le_float() or bytes:float()
    show(c, tree, o.f, at, c.at, value)
    return value
  end
end

-- Groups of seven bits, at most ten.
local function varint(o)
  return function(c, tree)
    local start, groups = c.at, {}
    while true do
      if #groups == 10 then fail(c, "ERR_MESSAGE_VALUE", "at most 10 bytes", "more", start) end
      local next = byte(c.bytes, take(c, 1) + 1)
      groups[#groups + 1] = next % 128
      if next < 128 then break end
    end
    local amount = #groups
    local function limb(from, to)
      local value = 0
      for index = math.min(to, amount), from, -1 do
        value = value * 128 + groups[o.big_endian and amount + 1 - index or index]
      end
      return value
    end
    local middle = limb(5, 8)
    local low = limb(1, 4) + middle % 16 * 268435456
    local high = floor(middle / 16) + limb(9, 10) * 16777216
    local fits
    if o.signed then
      -- The sign is the highest bit of the last group.
      local width = 7 * amount
      if groups[o.big_endian and 1 or amount] >= 64 then
        if width > 32 then high = high - 2 ^ (width - 32)
        else low, high = split(low - 2 ^ width) end
      end
      fits = high >= -2147483648 and high < 2147483648
    else
      fits = high < 4294967296
      if o.zigzag and fits then
        local odd = low % 2 == 1
        low, high = floor(low / 2) + high % 2 * 2147483648, floor(high / 2)
        if odd then low, high = 4294967295 - low, -1 - high end
      end
    end
    local wide, value
    if fits then wide, value = whole(low, high, o.signed or o.zigzag) end
    if not fits or not o.big and (type(value) == "string" or value >= EXACT or value <= -EXACT
      or o.zigzag and (value >= EXACT / 2 or value < -EXACT / 2)) then
      show(c, tree, o.raw, start, c.at)
      fail(c, "ERR_MESSAGE_VALUE", "a number in range", "one beyond it", start)
    end
    show(c, tree, o.f, start, c.at, wide)
    if o.names == nil then return value end
    local name = o.names[value]
    if name == nil and o.closed then fail(c, "ERR_MESSAGE_VALUE", "one of its names", value, start) end
    return name or value
  end
end

local function digits(o)
  return function(c, tree)
    local at, length = c.at, o.width
    if o.size ~= nil then length = measure(c, tree, o.size, o.width, "byte") end
    local behind = take(c, length) + length
    local sign = o.signed and sub(c.bytes, at + 1, at + 1)
    local signed = length > 0 and (sign == "-" or sign == "+")
    local value = digits_of(c.bytes, signed and at + 1 or at, behind, o.base)
    if value == nil or value > o.most then
      show(c, tree, o.raw, at, behind)
      fail(c, "ERR_MESSAGE_VALUE", plural(o.width, "digit"), printable(sub(c.bytes, at + 1, behind)), at)
    end
    if sign == "-" then value = 0 - value end
    local low, high = split(value)
    show(c, tree, o.f, at, behind, o.signed and Int64.new(low, high % 4294967296) or UInt64.new(low, high))
    if o.size ~= nil and o.size.finish then o.size.finish(c) end
    if o.names == nil then return value end
    local name = o.names[value]
    if name == nil and o.closed then fail(c, "ERR_MESSAGE_VALUE", "one of its names", value, at) end
    return name or value
  end
end

-- ── Bytes and text ──

local function nothing_there(c, tree, o)
  note(c, tree, c.at, c.at, o.label .. ": nothing")
  return NOTHING
end

local function bytes(o)
  return function(c, tree)
    local length = measure(c, tree, o.size, o.max, "byte")
    if length == nil then return UNKNOWN end
    if length == NOTHING then return nothing_there(c, tree, o) end
    local at = take(c, length)
    show(c, tree, o.f, at, c.at)
    if o.size.finish then o.size.finish(c) end
    return sub(c.bytes, at + 1, at + length)
  end
end

-- Where a text of 'count' UTF-8 characters ends; nil if that is beyond the end.
local function end_of_characters(c, amount)
  local at = c.at
  local function follows(index) return index < c.stop and floor(byte(c.bytes, index + 1) / 64) == 2 end
  for _ = 1, amount do
    if at >= c.stop then return nil end
    at = at + 1
    while follows(at) do at = at + 1 end
  end
  if at < c.stop or at == c.at then return at end
  local lead = at - 1
  while lead > c.at and follows(lead) do lead = lead - 1 end
  local first = byte(c.bytes, lead + 1)
  local due = first < 192 and 1 or first < 224 and 2 or first < 240 and 3 or 4
  return at - lead >= due and at or nil
end

local function text(o)
  return function(c, tree)
    local amount = measure(c, tree, o.size, o.max, "byte")
    if amount == nil then return UNKNOWN end
    if amount == NOTHING then return nothing_there(c, tree, o) end
    local length = amount * o.each
    if o.counts_characters then
      local stop = end_of_characters(c, amount)
      if stop == nil then take(c, math.max(amount, c.stop - c.at + 1)) end
      length = stop - c.at
    end
    local at = take(c, length)
    local behind = c.at
    if o.size.finish then o.size.finish(c) end
    local value = text_of(o.encoding, c.bytes, at, behind)
    if value == nil then
      show(c, tree, o.raw, at, behind)
      local place = o.exact and utf8_fault(c.bytes, at, behind) or at
      fail(c, o.encoding == "utf8" and "ERR_MESSAGE_UTF8" or "ERR_MESSAGE_VALUE", "text in " .. o.encoding, "other bytes", place)
    end
    count(c, "text", behind - at, c.limits.text, "bytes of text in one message")
    if o.pad ~= nil then
      local last = #value
      while last > 0 and sub(value, last, last) == o.pad do last = last - 1 end
      value = sub(value, 1, last)
    end
    show(c, tree, o.f, at, behind, printable(value))
    return value
  end
end

-- ── Fields with children ──

local function empty_element(c, before)
  if c.at == before then count(c, "empty", 1, c.limits.empty, "elements of no bytes in one message") end
end

local function list(o)
  return function(c, tree)
    local amount = math.huge
    if o.size ~= nil and o.size ~= rest then
      amount = measure(c, tree, o.size, o.max, "element")
      if amount == nil then return UNKNOWN end
      if amount == NOTHING then return nothing_there(c, tree, o) end
      count(c, "elements", amount, c.limits.elements, "elements in one message")
      if amount * o.least > c.stop - c.at then
        fail(c, "ERR_MESSAGE_SHORT", plural(amount * o.least, "byte"), c.stop - c.at)
      end
    end
    local start, item = c.at, show(c, tree, o.f, c.at, c.stop)
    local inner = inside(c, tree, item)
    c.level = c.level + 1
    local index = 0
    while true do
      if amount ~= math.huge then
        if index == amount then break end
      else
        if o.terminator ~= nil then
          if sub(c.bytes, c.at + 1, c.at + #o.terminator) == o.terminator and c.at + #o.terminator <= c.stop then
            c.at = c.at + #o.terminator
            break
          end
          local left = c.stop - c.at
          if left < #o.terminator and sub(c.bytes, c.at + 1, c.stop) == sub(o.terminator, 1, left) then
            fail(c, "ERR_MESSAGE_SHORT", "an element or the terminator", "the end", c.stop)
          end
        elseif o.last == nil and c.at >= c.stop then break end
        if index == o.max then fail(c, "ERR_FIELD_TOO_LONG", "at most " .. plural(o.max, "element"), "more") end
        count(c, "elements", 1, c.limits.elements, "elements in one message")
      end
      local before = c.at
      enter(c, index)
      local value = o.item(c, inner)
      leave(c)
      index = index + 1
      if c.lost then break end
      empty_element(c, before)
      if o.last ~= nil then
        local said = value
        for _, name in ipairs(o.last) do
          if type(said) == "table" then said = said[name] else said = nil end
        end
        if value == UNKNOWN or said == UNKNOWN then
          lose(c, tree, "elements of which only a function of the declaration knows the last")
          break
        end
        if said == o.is then break end
      end
    end
    c.level = c.level - 1
    if item ~= nil and item ~= tree then
      item:set_len(c.at - start)
      item:append_text(" (" .. plural(index, "element") .. ")")
    end
    c.inner = nil
    if c.lost then return UNKNOWN end
    return { count = index }
  end
end

local function open(c, group, start)
  local scope = { values = {}, places = {}, names = group.names, outer = c.scope, start = start, pending = #c.pending, sums = #c.sums }
  c.scope = scope
  return scope
end

-- Where the field at a path of a structure lies; nil if it is missing.
local function place_of(scope, path)
  local place = scope.places[path[1]]
  for index = 2, #path do place = place and place.inner and place.inner[path[index]] end
  return place
end

local found_range, check_sum

-- After the last field of a structure: check what must agree with it, then its checksums.
local function close(c, group, scope)
  if not c.lost then
    local left = {}
    for index = scope.pending + 1, #c.pending do
      local one = c.pending[index]
      c.pending[index] = nil
      local is_here = one.of == nil and one.own == scope
        or one.of ~= nil and group.names[one.of[1]] and not (one.skips_own and one.own == scope)
      if is_here then one.check(c, scope, one)
      else left[#left + 1] = one end
    end
    for _, one in ipairs(left) do c.pending[#c.pending + 1] = one end
    local kept = {}
    for index = scope.sums + 1, #c.sums do
      local one = c.sums[index]
      c.sums[index] = nil
      local found = found_range(c, one, group, scope)
      if found then check_sum(c, one)
      elseif found == false then kept[#kept + 1] = one end
    end
    for _, one in ipairs(kept) do c.sums[#c.sums + 1] = one end
  end
  c.inner = scope.places
  c.scope = scope.outer
end

-- Read a range of members into the values of the scope.
local function members(c, tree, group, scope, from, to)
  for index = from, to do
    local member = group[index]
    local start, outer = c.at, c.stop
    if member.room ~= nil then
      local room = member.room(c)
      if room == nil then
        lose(c, tree, "a size that only a function of the declaration knows")
        return
      end
      c.stop = math.max(start, outer - room)
    end
    enter(c, member.name)
    c.inner = nil
    local value = member.read(c, tree)
    leave(c)
    c.stop = outer
    if c.lost and member.room == nil then return end
    c.lost = nil
    scope.values[member.name] = value
    scope.places[member.name] = { from = start, to = c.at, inner = c.inner }
  end
end

local function struct(o)
  return function(c, tree)
    local start, inner, item = c.at, tree, nil
    if o.f ~= nil then
      item = show(c, tree, o.f, c.at, c.stop)
      inner = inside(c, tree, item)
    end
    c.level = c.level + 1
    local scope = open(c, o, c.at)
    members(c, inner, o, scope, 1, #o)
    local values = scope.values
    close(c, o, scope)
    c.level = c.level - 1
    if item ~= nil and item ~= tree then item:set_len(c.at - start) end
    if c.lost then return UNKNOWN end
    return values
  end
end

local function case_of(o, tag)
  return o.cases[o.tags[tag] or o.other]
end

local function union(o)
  return function(c, tree)
    local start = c.at
    local item = show(c, tree, o.f, c.at, c.stop)
    local inner = inside(c, tree, item)
    enter(c, "type")
    local tag
    if o.size.literal then tag = o.size.literal else tag = o.size.read(c, inner) end
    leave(c)
    if c.lost then return UNKNOWN end
    if tag == UNKNOWN then
      lose(c, inner, "a tag that only a function of the declaration knows")
      return UNKNOWN
    end
    local one = tag ~= nil and case_of(o, tag)
    if not one then fail(c, "ERR_MESSAGE_VALUE", "a tag of the declaration", tag, start) end
    show(c, inner, o.kind, start, c.at, one.type)
    if item ~= nil and item ~= tree then item:append_text(": " .. printable(one.type)) end
    c.level = c.level + 1
    local scope = open(c, one, start)
    members(c, inner, one, scope, 1, #one)
    close(c, one, scope)
    c.level = c.level - 1
    if item ~= nil and item ~= tree then item:set_len(c.at - start) end
    if c.lost then return UNKNOWN end
    return scope.values
  end
end

local function flag(o)
  return { read = function(c, tree)
    local at = take(c, 1)
    local value = byte(c.bytes, at + 1)
    show(c, tree, o.f, at, c.at, value)
    if value > 1 then fail(c, "ERR_MESSAGE_VALUE", "0 or 1", value, at) end
    return value == 1
  end }
end

-- The bytes after a field that takes the rest; nil if a size is not known.
local function room_of(c, size, each)
  local value = size.read(c)
  if value == UNKNOWN then return nil end
  return type(value) == "number" and math.max(0, value * each) or 0
end

local function sum_of(...)
  local sum = 0
  for index = 1, select("#", ...) do
    local one = select(index, ...)
    if one == nil then return nil end
    sum = sum + one
  end
  return sum
end

local function room_if(c, when, room)
  local present = when.read(c)
  if present == nil then return nil end
  return present and room or 0
end

local anything_left = { read = function(c) return c.at < c.stop end }

local function condition(path, when)
  return { read = function(c)
    local value = find(c, path)
    if value == UNKNOWN or value == nil and c.ever_lost then return nil end
    return holds(when, value)
  end }
end

local function parameter_condition(name, when)
  return { read = function(c) return holds(when, parameters[name](c.side)) end }
end

local function maybe(o)
  return function(c, tree)
    local present = o.when.read(c, tree)
    if present == nil then
      lose(c, tree, "a condition on what only a function of the declaration knows")
      return UNKNOWN
    end
    if present then return o.item(c, tree) end
  end
end

-- Fixed bytes; checked unless they are padding.
local function fixed(o)
  return function(c, tree)
    local at = take(c, #o.bytes)
    show(c, tree, o.f, at, c.at)
    if o.checked and sub(c.bytes, at + 1, c.at) ~= o.bytes then
      fail(c, "ERR_MESSAGE_VALUE", "its constant", "other bytes", at)
    end
  end
end

local function aligned(o)
  return function(c, tree)
    local start = o.in_structure and c.scope ~= nil and c.scope.start or c.start
    local at = take(c, (o.to - (c.at - start) % o.to) % o.to)
    if c.at > at then show(c, tree, o.f, at, c.at) end
  end
end

local function filling(o)
  return function(c, tree)
    local length = measure(c, tree, o.size, o.max, "byte")
    if length == nil then return end
    local at = take(c, length)
    if length > 0 then show(c, tree, o.f, at, c.at) end
  end
end

-- An earlier field, or a parameter, may have only these values.
local function only(o)
  return function(c)
    local value
    if o.parameter ~= nil then value = parameters[o.parameter](c.side) else value = find(c, o.path) end
    if value == UNKNOWN or value == nil and c.ever_lost then return end
    if not holds(o.when, value) then
      fail(c, "ERR_MESSAGE_VALUE", "'" .. (o.parameter or table.concat(o.path, ".")) .. "' to be what is declared", value)
    end
  end
end

local function bounded(o)
  return function(c, tree)
    local length = measure(c, tree, o.size, o.max, "byte")
    if length == nil then return UNKNOWN end
    if length == NOTHING then return nothing_there(c, tree, o) end
    if length > c.stop - c.at then fail(c, "ERR_MESSAGE_SHORT", plural(length, "byte"), c.stop - c.at) end
    local outer = c.stop
    c.stop = c.at + length
    local value = o.item(c, tree)
    c.lost = nil
    if c.at < c.stop then
      fail(c, "ERR_MESSAGE_TRAILING", "the end of " .. plural(length, "byte"), plural(c.stop - c.at, "byte") .. " more")
    end
    c.stop = outer
    return value
  end
end

local function recursive(o)
  return function(c, tree)
    if o.own ~= nil and c.depth >= o.own then
      fail(c, "ERR_FIELD_TOO_LONG", "at most " .. plural(o.own, "level"), "another")
    end
    local most = c.limits.depth or o.own == nil and 64 or math.huge
    if c.depth >= most then
      fail(c, "ERR_MESSAGE_LIMIT", "at most " .. plural(most, "level") .. " in one message", "another")
    end
    c.depth = c.depth + 1
    local value = node[o.node](c, tree)
    c.depth = c.depth - 1
    return value
  end
end

-- Read the bytes of a field. Only the program knows how the value is mapped from them.
local function mapped(item)
  return function(c, tree)
    item(c, tree)
    return UNKNOWN
  end
end

local function opaque(o)
  return function(c, tree)
    if o.width ~= nil then
      local at = take(c, o.width)
      show(c, tree, o.f, at, c.at)
    else lose(c, tree, o.why) end
    return UNKNOWN
  end
end

-- ── Fields that must agree with others ──

local function due_of(by, actual)
  return (actual - by.add) / by.unit
end

local function disagree(c, one, due)
  error({ code = "ERR_MESSAGE_VALUE", path = one.path, expected = shown(due), got = shown(one.sent), at = one.at, stop = c.stop }, 0)
end

-- Checked at the end of the structure with the field it must agree with.
local function agreed(o)
  return function(c, tree)
    local at = c.at
    local value = o.base(c, tree)
    c.pending[#c.pending + 1] = {
      of = o.of, by = o.by, sent = size_of(value), at = at, path = where(c), check = o.check, over = o.over,
      own = c.scope, skips_own = o.skips_own,
    }
    return value
  end
end

local function check_size(c, scope, one)
  local place = one.of ~= nil and scope.places[one.of[1]] or nil
  if one.of == nil then
    local over = one.over
    local from, after, to = over.from and place_of(scope, over.from), over.after and place_of(scope, over.after), over.to and place_of(scope, over.to)
    if over.from and not from or over.after and not after or over.to and not to then return end
    place = { from = from and from.from or after and after.to or scope.start, to = to and to.to or c.at }
  end
  if place == nil then return end
  local due = due_of(one.by, place.to - place.from)
  if one.sent ~= due then disagree(c, one, due) end
end

local function check_count(c, scope, one)
  local value = scope.values[one.of[1]]
  for index = 2, #one.of do value = type(value) == "table" and value[one.of[index]] or nil end
  if value == UNKNOWN then return end
  local due = due_of(one.by, type(value) == "table" and value.count or 0)
  if one.sent ~= due then disagree(c, one, due) end
end

local function same(o)
  return function(c, tree)
    local at = c.at
    local value = o.base(c, tree)
    local due = find(c, o.of)
    if value == due or value == UNKNOWN or due == UNKNOWN or due == nil and c.ever_lost then return value end
    if value ~= value and due ~= due then return value end
    fail(c, "ERR_MESSAGE_VALUE", shown(due) .. ", as '" .. table.concat(o.of, ".") .. "' says", value, at)
  end
end

-- A checksum, verified at the end of the structure that contains its whole range.
local function summed(o)
  return function(c, tree)
    local at, scope = c.at, c.scope
    local value = o.base(c, tree)
    c.sums[#c.sums + 1] = {
      o = o, sent = value, from = at, to = c.at, own = scope, path = where(c),
      first = not o.from and not o.after and (scope and scope.start or c.start) or nil,
      last = not o.to and not o.to_end and at or nil,
    }
    return value
  end
end

-- Find the part of its range in this structure; returns whether all of it is found, nil if a field is missing.
function found_range(c, one, group, scope)
  local o = one.o
  if o.to_end and one.own == scope then one.last = c.at end
  for _, edge in ipairs({ "from", "after", "to" }) do
    local path = o[edge]
    if path and group.names[path[1]] and not (edge == "to" and one.last or edge ~= "to" and one.first) then
      local place = place_of(scope, path)
      if place == nil then return nil end
      if edge == "to" then one.last = place.to
      else one.first = edge == "from" and place.from or place.to end
    end
  end
  return one.first ~= nil and one.last ~= nil
end

function check_sum(c, one)
  local o, first, last = one.o, one.first, one.last
  if first > last then return end
  if c.depth > 0 then
    count(c, "summed", last - first, c.limits.summed or 16 * c.size + 1048576, "bytes under the checksums of a recursion")
  end
  local bytes = sub(c.bytes, first + 1, last)
  if o.zeroed and one.from >= first and one.from < last then
    bytes = sub(c.bytes, first + 1, one.from) .. string.rep("\0", one.to - one.from) .. sub(c.bytes, one.to + 1, last)
  end
  if o.append then bytes = bytes .. o.append end
  local due = o.sum(bytes, 0, #bytes)
  if due ~= one.sent then
    error({
      code = "ERR_FRAME_CHECKSUM", path = one.path, expected = o.algorithm .. " " .. shown(due), got = shown(one.sent),
      at = one.from, stop = c.stop,
    }, 0)
  end
end

-- ── Messages ──

local function messages(o)
  return function(c, tree)
    if c.at == c.stop and o.least > 0 then fail(c, "ERR_MESSAGE_EMPTY", "a message of at least 1 byte", 0) end
    local start = c.at
    take(c, o.header_size)
    local tag, tag_at, tag_end
    if o.in_header ~= nil then
      tag_at, tag_end = start + o.in_header.offset, c.at
      c.at = tag_at
      tag = o.in_header.read(c)
      for _, name in ipairs(o.in_header.members) do
        if tag == UNKNOWN then break end
        if type(tag) == "table" then tag = tag[name] else tag = nil end
      end
      c.at = tag_end
    else
      tag_at = c.at
      tag = o.size.read(c)
      tag_end = c.at
    end
    if tag == UNKNOWN or c.lost then
      c.at = start
      lose(c, tree, "a tag that only a function of the declaration knows")
      return UNKNOWN
    end
    local one = tag ~= nil and case_of(o, tag)
    if not one then
      if o.in_header == nil then
        c.at = tag_at
        o.size.read(c, tree)
      end
      fail(c, "ERR_MESSAGE_UNKNOWN", "a tag of the declaration", tag, tag_at)
    end
    c.type = one.type
    show(c, tree, o.kind, o.in_header ~= nil and tag_at or start, tag_end, one.type)
    c.at = start
    local scope = open(c, one, start)
    members(c, tree, one, scope, 1, o.before)
    if o.in_header == nil then
      c.at = tag_at
      o.size.read(c, tree)
    end
    c.at = tag_end
    if not c.lost then members(c, tree, one, scope, o.before + 1, #one) end
    close(c, one, scope)
    return scope.values
  end
end

-- ── A whole message ──

local pcall, type = pcall, type

-- Read the message in bytes[from, to); returns its context, and what is wrong with it.
local function read_message(side, bytes, from, to, tvb, base, tree)
  local codec = side.codec
  local c = context(bytes, from, to, tvb, base, side.name)
  c.size, c.limits = to - from, codec.limits
  local well, problem = pcall(function()
    codec.read(c, tree)
    if c.at < c.stop and not c.lost and not side.measures then
      if codec.trailing == "reject" then
        fail(c, "ERR_MESSAGE_TRAILING", "the end of the frame", plural(c.stop - c.at, "byte") .. " more")
      end
      note(c, tree, c.at, c.stop, "Trailing bytes")
    end
  end)
  if well then return c, nil end
  if type(problem) ~= "table" then error(problem, 0) end
  return c, problem
end
`;
