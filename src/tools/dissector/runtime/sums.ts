/** Lua: the checksums of the catalogue. */
export const SUMS_IN_LUA: string = `
-- ── Checksums ───────────────────────────────────────────────────────────────────────────────────────────────────────
-- Each is a function(bytes, from, to) that returns the sum over bytes[from, to).

local function xor32(a, b)
  return xor(a, b) % 4294967296
end

local function reversed(value, width)
  local result = 0
  for _ = 1, width do
    result = result * 2 + value % 2
    value = floor(value / 2)
  end
  return result
end

-- A CRC by Williams' parameters. The register that goes forward is kept at the top of 32 bits.
local function crc(width, polynomial, initial, reflected, final, reflected_output)
  local lookup = {}
  local shift = 2 ^ (32 - width)
  for index = 0, 255 do
    local sum = reflected and index or index * 16777216
    for _ = 1, 8 do
      if reflected then
        local odd = sum % 2 == 1
        sum = floor(sum / 2)
        if odd then sum = xor32(sum, reversed(polynomial, width)) end
      else
        local carries = sum >= 2147483648
        sum = sum * 2 % 4294967296
        if carries then sum = xor32(sum, polynomial * shift) end
      end
    end
    lookup[index] = sum
  end
  return function(bytes, from, to)
    local sum = reflected and reversed(initial, width) or initial * shift
    for at = from + 1, to do
      if reflected then sum = xor32(floor(sum / 256), lookup[xor32(sum % 256, byte(bytes, at))])
      else sum = xor32(sum % 16777216 * 256, lookup[xor32(floor(sum / 16777216), byte(bytes, at))]) end
    end
    if not reflected then sum = floor(sum / shift) end
    if reflected ~= reflected_output then sum = reversed(sum, width) end
    return xor32(sum, final) % 2 ^ width
  end
end

-- Two sums, the second over the values of the first; 'width' bytes at a time, least significant first.
local function two_sums(modulus, initial, width, unit)
  return function(bytes, from, to)
    local low, high = initial, 0
    for at = from + 1, to, unit do
      local next = byte(bytes, at)
      if unit == 2 and at < to then next = next + 256 * byte(bytes, at + 1) end
      low = (low + next) % modulus
      high = (high + low) % modulus
    end
    return high * 2 ^ width + low
  end
end

local function added(modulus, sign)
  return function(bytes, from, to)
    local sum = 0
    for at = from + 1, to do sum = (sum + sign * byte(bytes, at)) % modulus end
    return sum
  end
end

local sums = {
  ["XOR-8"] = function(bytes, from, to)
    local sum = 0
    for at = from + 1, to do sum = xor(sum, byte(bytes, at)) end
    return sum
  end,
  ["SUM-8"] = added(256, 1),
  ["SUM-16"] = added(65536, 1),
  ["LRC-8"] = added(256, -1),
  ["INTERNET"] = function(bytes, from, to)
    local sum = 0
    for at = from + 1, to do
      sum = sum + ((at - from) % 2 == 1 and 256 or 1) * byte(bytes, at)
      sum = sum % 65536 + floor(sum / 65536)
    end
    return 65535 - sum
  end,
  ["FLETCHER-8BIT"] = two_sums(256, 0, 8, 1),
  ["FLETCHER-16"] = two_sums(255, 0, 8, 1),
  ["FLETCHER-32"] = two_sums(65535, 0, 16, 2),
  ["ADLER-32"] = two_sums(65521, 1, 16, 1),
}
`;
