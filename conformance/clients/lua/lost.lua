-- The library does not reconnect: a lost connection is an error.

local common = require 'common'
local say = common.say

local redis, subscriber = common.connect(), common.connect()
local messages = subscriber:pubsub({ subscribe = 'a' })
say('received', (messages()))
say('killed', redis:raw_cmd('CLIENT KILL TYPE pubsub\r\n'))
common.attempt('receiving', messages)
say('publish', redis:publish('a', 'nobody'))

say('ready-for-restart')
io.read('*l')
common.attempt('publish', function() redis:publish('a', 'x') end)
say('publish', common.connect():publish('a', 'x'))
