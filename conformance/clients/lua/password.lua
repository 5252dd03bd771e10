-- Logging in.

local common = require 'common'
local say = common.say

local redis, subscriber = common.connect(), common.connect()
common.attempt('no password', function() redis:publish('a', 'x') end)
common.attempt('wrong password', function() redis:auth('wrong') end)
say('auth', redis:auth('correct horse'))
say('publish', redis:publish('a', 'x'))
common.attempt('wrong password later', function() redis:auth('wrong') end)

subscriber:auth('correct horse')
local messages = subscriber:pubsub({ subscribe = 'a' })
say('received', (messages()))
say('publish', redis:publish('a', 'secret'))
say('received', (messages()))
