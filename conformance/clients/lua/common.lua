-- What the programs in this folder share.
--
-- A program is started as `program.lua NETWORK ADDRESS`. It prints what a user
-- of redis-lua would see, in an order that does not depend on timing, and exits
-- with a nonzero status when something does not happen. The Go test beside this
-- folder compares the output with the recorded one.

local redis = require 'redis'

local common = {}

-- Bounds every wait, in seconds. It only turns a hang into a failure.
local WAIT = 20

io.stdout:setvbuf('line')

-- connect returns a client of the server under test.
function common.connect()
    local network, address = arg[1], arg[2]
    if network == 'unix' then
        return redis.connect({ scheme = 'unix', path = address })
    end
    local host, port = address:match('^(.*):(%d+)$')
    return redis.connect({ host = host, port = port, timeout = WAIT })
end

local function show(value)
    if type(value) == 'string' then
        return '"' .. value:gsub('[^\32-\126]', function(c) return ('\\x%02x'):format(c:byte()) end) .. '"'
    elseif type(value) ~= 'table' then
        return tostring(value)
    end
    local items = {}
    for _, item in ipairs(value) do
        items[#items + 1] = show(item)
    end
    local keys = {}
    for key in pairs(value) do
        if type(key) == 'string' then
            keys[#keys + 1] = key
        end
    end
    table.sort(keys)
    for _, key in ipairs(keys) do
        items[#items + 1] = key .. '=' .. show(value[key])
    end
    return '{' .. table.concat(items, ' ') .. '}'
end

-- say prints one line.
function common.say(what, ...)
    local line = { what }
    for i = 1, select('#', ...) do
        line[#line + 1] = show((select(i, ...)))
    end
    print(table.concat(line, ' '))
end

-- attempt prints the error that f ends with.
function common.attempt(what, f)
    local good, failure = pcall(f)
    assert(not good, what .. ' went well')
    print(what .. ': ' .. tostring(failure):gsub('^.-:%d+: ', ''))
end

return common
