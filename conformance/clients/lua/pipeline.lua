-- Pipelines and transactions.

local common = require 'common'
local say = common.say

local redis, subscriber = common.connect(), common.connect()
local messages = subscriber:pubsub({ subscribe = 'a' })
say('received', (messages()))

local replies = redis:pipeline(function(pipeline)
    for i = 1, 1000 do
        pipeline:publish('a', i)
    end
end)
local receivers = 0
for i = 1, 1000 do
    receivers = receivers + replies[i]
    assert(messages().payload == tostring(i), 'out of order')
end
say('receivers', receivers)

say('transaction', (redis:transaction(function(transaction)
    transaction:publish('a', 'x')
    transaction:publish('b', 'y')
end)))
say('received', (messages()))

say('multi', redis:multi())
redis:publish('a', 'forgotten')
say('discard', redis:discard())
common.attempt('exec', function() redis:exec() end)
say('publish', redis:publish('a', 'last'))
say('received', (messages()))
