/*
 * What Redis carries out in one step, in Lua. Only commands that Redis had in version 5 are used. A key that a command
 * of a script refuses to write ends the script before the node's position is set, so what was not written counts as lost.
 */

/**
 * KEYS: fresh, at:<node>, then one for each entry. ARGV: first|distrust|next, after, at, the life of an entry, the life
 * of a position, then kind, lowest version and reason for each entry.
 *
 * A position that is lower than the one that Redis has acknowledged shows that Redis has lost data. Then `fresh` is
 * taken away at once: what it promises is no longer there.
 */
export const writeScript = `
local known = tonumber(redis.call('GET', KEYS[2]) or '-1')
local after = tonumber(ARGV[2])
if known < after or ARGV[1] == 'distrust' then redis.call('DEL', KEYS[1]) end
if ARGV[1] == 'next' and known ~= after then return 0 end
local life = tonumber(ARGV[4])
local function put(key, value)
  local left = redis.call('PTTL', key)
  if left == -1 then redis.call('SET', key, value)
  else redis.call('SET', key, value, 'PX', math.max(left, life)) end
end
for index = 3, #KEYS do
  local key, first = KEYS[index], 3 * index - 3
  local kind, version, reason = ARGV[first], ARGV[first + 1], ARGV[first + 2]
  if kind == 'session' then put(key, reason)
  elseif kind == 'key' then redis.call('SET', key, reason)
  else
    local present = redis.call('GET', key)
    local isHigher = not present or tonumber(version) > tonumber(string.match(present, '^%d+') or '-1')
    if kind == 'user' then put(key, isHigher and version .. ' ' .. reason or present)
    elseif isHigher then redis.call('SET', key, version) end
  end
end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[5])
return 1`

/**
 * KEYS: fresh, at:<node>. ARGV: at, until, the value, the life of a position.
 *
 * `fresh` ends at a moment of Redis's clock. A life that begins when the script is carried out would be too long by as
 * long as the script was on its way.
 */
export const grantScript = `
local known, at = tonumber(redis.call('GET', KEYS[2]) or '-1'), tonumber(ARGV[1])
if known < at then redis.call('DEL', KEYS[1]) end
if known ~= at then return 0 end
redis.call('PEXPIRE', KEYS[2], ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ends = tonumber(ARGV[2])
if ends > now and ends > now + redis.call('PTTL', KEYS[1]) then
  redis.call('SET', KEYS[1], ARGV[3])
  redis.call('PEXPIREAT', KEYS[1], ARGV[2])
end
return 1`

/** KEYS: fresh. @returns when it ends, by Redis's clock, off by a millisecond at most; 0: there is none */
export const freshUntilScript = `
local left = redis.call('PTTL', KEYS[1])
if left < 0 then return 0 end
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000) + left`
