# frozen_string_literal: true

# Logging in.

require_relative "common"

RIGHT = "correct horse"

attempt("no password") { connect.publish("a", "x") }
attempt("wrong password") { connect(password: "wrong").ping }
attempt("wrong password of a user") { connect(username: "default", password: "wrong").ping }
redis = connect(username: "default", password: RIGHT, db: 3, id: "someone")
p redis.ping, redis.client(:getname)

subscriber = connect(password: RIGHT)
listening = in_thread do
  subscriber.subscribe("a") do |on|
    on.message { |_, message| p(message) && subscriber.unsubscribe }
  end
end
until_subscribers(redis, "a", 1)
count = redis.publish("a", "secret")
finish(listening)
p count
attempt("wrong password later") { redis.auth("wrong") }
p redis.ping
