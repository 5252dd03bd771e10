module github.com/pubsubd/pubsubd/bench/buses

go 1.26.0

replace github.com/pubsubd/pubsubd => ../..

require (
	github.com/asaskevich/EventBus v0.0.0-20200907212545-49d423059eef
	github.com/cskr/pubsub v1.0.2
	github.com/pubsubd/pubsubd v0.0.0
)
