-- Subscribing gives an iterator over confirmations and messages.

local common = require 'common'
local say = common.say

local redis, subscriber = common.connect(), common.connect()
say('select', redis:select(1))
say('publish', redis:publish('news', 'nobody hears this'))

local published = {
    { 'news', 'one' }, { 'next', '' }, { 'n', 'a\r\n\0\255' }, { 'other', 'elsewhere' },
}
local received = 0
for message, abort in subscriber:pubsub({ subscribe = { 'news' }, psubscribe = 'n*' }) do
    say('received', message)
    received = received + 1
    if received == 2 then -- all confirmations
        say('numsub', redis:raw_cmd('PUBSUB NUMSUB news other\r\n'))
        for _, m in ipairs(published) do
            say('publish', redis:publish(m[1], m[2]))
        end
    elseif received == 6 then -- all messages
        abort()
    end
end
say('publish', redis:publish('news', 'late'))
say('ping', redis:ping())
