// A sender without the kit, by the rules of docs/senders.md; ../README.md says what it leaves out.
package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	_ "modernc.org/sqlite"
)

// The journal is on disk before a call leaves, one for all instances. A row holds what is to be said if nothing more is
// heard. A touch and its revocation contend for the same row, so the first of them wins.
const (
	schema = `CREATE TABLE IF NOT EXISTS touches (id TEXT PRIMARY KEY, status TEXT, word TEXT, at INTEGER, ask_at INTEGER);
		CREATE INDEX IF NOT EXISTS to_ask ON touches (ask_at)`
	enter    = `INSERT OR IGNORE INTO touches VALUES (?, ?, ?, ?, ?)`
	takeBack = `DELETE FROM touches WHERE id = ? AND status = 'unknown'`
	settle   = `INSERT INTO touches VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET status = ?2, word = ?3,
		ask_at = ?5 WHERE status = 'unknown' OR ?2 NOT IN ('unknown', 'accepted')`
	toAsk = `UPDATE touches SET ask_at = 2 * ?1 - at WHERE id IN (SELECT id FROM touches
		WHERE ask_at <= ?1 AND ask_at < at + 86400000 LIMIT 64) RETURNING word, at` // less and less often, for a day
	major, parallel, underWayMs = 1, 64, 30_000
)

type object = map[string]any // a message, as JSON has it

type item struct {
	touch        object // nil: not a message of the contract
	record       *kgo.Record
	isTooNew     bool
	due, expires time.Time
	why          string
	isBusy       bool
	isDone       bool
}

type reading struct{ seen, end int64 } // of a partition that is ours

var (
	channel     = env("WINBACK_SENDER_CHANNEL", "sms")
	touches     = env("WINBACK_TOPIC_TOUCHES", "win-back")
	feedback    = env("WINBACK_TOPIC_FEEDBACK", "win-back-feedback")
	deadLetters = env("WINBACK_TOPIC_DEAD_LETTERS", "winback-dead-letters")
	db          = openJournal(env("WINBACK_SENDER_STATE", "build/sender"))
	ours        = map[int32]*reading{}
	waiting     []*item    // in the order of the log
	lock        sync.Mutex // of these two and of their items
	working     sync.WaitGroup
	busy        int
	client      *kgo.Client
	stop        context.Context
	provider    = http.Client{Timeout: 2 * time.Second}
)

func env(name, usual string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return usual
}

func text(of object, name string) string {
	value, _ := of[name].(string)
	return value
}

func must[T any](value T, err error) T { // without journal or Kafka nothing is sent
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func openJournal(dir string) *sql.DB {
	must(0, os.MkdirAll(dir, 0o700))
	db := must(sql.Open("sqlite", dir+"/touches.db?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"))
	for tries := 0; ; tries++ { // another instance may be making it
		if _, err := db.Exec(schema); err == nil || tries == 50 {
			return must(db, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func exec(query string, args ...any) bool {
	return must(must(db.Exec(query, args...)).RowsAffected()) > 0
}

func write(topic string, key, value []byte) bool {
	record := &kgo.Record{Topic: topic, Key: key, Value: value} // the default partitioner is murmur2, as in Java
	must(0, client.ProduceSync(context.Background(), record).FirstErr())
	return true
}

func row(touch object, askAt any, status string, rest ...string) []any {
	said := object{"touch_id": touch["touch_id"], "user_id": touch["user_id"], "status": status, "channel": channel, "at": time.Now()}
	for i, name := range []string{"outcome", "reason", "provider_ref"}[:len(rest)] {
		said[name] = rest[i]
	}
	return []any{said["touch_id"], status, must(json.Marshal(said)), time.Now().UnixMilli(), askAt}
}

func say(touch object, status string, rest ...string) bool {
	var askAt any
	if status == "accepted" || status == "unknown" {
		askAt = time.Now().UnixMilli() + 1000
	}
	args := row(touch, askAt, status, rest...)
	exec(settle, args...)
	return write(feedback, []byte(text(touch, "user_id")), args[2].([]byte))
}

func call(method, address string, body object) (code int, said object, wait time.Duration) {
	answer, err := provider.Do(must(http.NewRequest(method, address, bytes.NewReader(must(json.Marshal(body))))))
	if errors.Is(err, syscall.ECONNREFUSED) {
		return http.StatusServiceUnavailable, nil, 0 // nothing has left
	} else if err != nil {
		return 0, nil, 0
	}
	defer answer.Body.Close()
	seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
	if json.NewDecoder(answer.Body).Decode(&said) != nil && answer.StatusCode < 300 {
		return 0, nil, 0 // not the provider's own words
	}
	return answer.StatusCode, said, time.Duration(seconds) * time.Second
}

func take(record *kgo.Record) {
	ours[record.Partition].seen = record.Offset + 1
	if record.Attrs.IsControl() {
		return
	}
	it := &item{record: record, why: "expired"}
	for _, header := range record.Headers {
		version, _ := strconv.Atoi(string(header.Value[bytes.LastIndexByte(header.Value, ':')+1:]))
		it.isTooNew = it.isTooNew || header.Key == "ce_dataschema" && version > major
	}
	_ = json.Unmarshal(record.Value, &it.touch)
	it.due, _ = time.Parse(time.RFC3339, text(it.touch, "not_before"))
	it.expires, _ = time.Parse(time.RFC3339, text(it.touch, "expires_at"))
	isNamed := text(it.touch, "touch_id") != "" && text(it.touch, "user_id") != ""
	switch kind := text(it.touch, "type"); {
	case kind == "" || strings.HasPrefix(kind, "touch.re") && !isNamed:
		it.touch = nil
	case kind == "touch.revoked":
		exec(enter, row(it.touch, nil, "failed", "unsent", "revoked")...)
		return
	case kind != "touch.requested" || text(it.touch, "channel") != channel:
		return
	}
	waiting = append(waiting, it)
}

// turn begins the first touch of each user, if it is due and what stands behind it in the log has been seen.
func turn() {
	users := map[any]bool{}
	waiting = slices.DeleteFunc(waiting, func(it *item) bool { return it.isDone })
	for _, it := range waiting {
		user, read := it.touch["user_id"], ours[it.record.Partition]
		if !it.isBusy && !users[user] && busy < parallel && !time.Now().Before(it.due) && read.seen >= read.end {
			it.isBusy = true
			busy++
			working.Add(1)
			go func() {
				defer working.Done()
				isDone := work(it)
				lock.Lock()
				defer lock.Unlock()
				it.isBusy, it.isDone = false, isDone
				busy--
			}()
		}
		users[user] = true
	}
}

// work returns true when the first word on a touch is said.
func work(it *item) bool {
	var known []byte
	id, expired := it.touch["touch_id"], func() bool { return !time.Now().Before(it.expires) }
	err := db.QueryRow("SELECT word FROM touches WHERE id = ?", id).Scan(&known)
	switch {
	case it.touch == nil:
		return write(deadLetters, it.record.Key, it.record.Value)
	case err == nil:
		return write(feedback, it.record.Key, known)
	case it.isTooNew:
		write(deadLetters, it.record.Key, it.record.Value)
		return say(it.touch, "failed", "unsent", "unknown_version")
	case expired():
		return say(it.touch, "failed", "unsent", it.why)
	}
	user := url.PathEscape(text(it.touch, "user_id"))
	code, found, wait := call("GET", os.Getenv("ADDRESSES_URL")+"/"+user+"/"+channel, nil)
	if code == http.StatusNotFound {
		return say(it.touch, "failed", "hard", "no_address")
	} else if found["address"] == nil {
		return it.later(wait)
	}
	underWay := row(it.touch, time.Now().UnixMilli()+underWayMs, "unknown", "", "interrupted")
	if expired() || stop.Err() != nil || !exec(enter, underWay...) {
		return false
	}
	body := object{"id": id, "to": found["address"], "template": it.touch["template_key"], "params": it.touch["params"]}
	code, said, wait := call("POST", os.Getenv("PROVIDER_URL")+"/messages", body)
	switch reason := text(said, "error"); {
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable:
		exec(takeBack, id)
		return it.later(wait)
	case code == http.StatusAccepted:
		return say(it.touch, "accepted", "", "", text(said, "ref"))
	case code == http.StatusBadRequest && reason == "bad_number":
		return say(it.touch, "failed", "hard", reason)
	case code == http.StatusBadRequest && reason != "":
		return say(it.touch, "failed", "unsent", reason)
	}
	return say(it.touch, "unknown", "", "timed_out")
}

func (it *item) later(wait time.Duration) bool {
	it.due, it.why = time.Now().Add(wait+rand.N(3*time.Second)), "provider_unavailable"
	return false
}

// follow asks what became of what the provider took, or may have taken.
func follow() {
	var open []object
	var ages []int64
	now := time.Now().UnixMilli()
	rows := must(db.Query(toAsk, now))
	for rows.Next() {
		var text []byte
		var at int64
		var touch object
		must(0, rows.Scan(&text, &at))
		must(0, json.Unmarshal(text, &touch))
		open, ages = append(open, touch), append(ages, now-at)
	}
	must(0, rows.Err())
	for i, touch := range open {
		code, said, _ := call("GET", os.Getenv("PROVIDER_URL")+"/messages?id="+url.QueryEscape(text(touch, "touch_id")), nil)
		if status := text(said, "status"); code == http.StatusOK && status != touch["status"] {
			say(touch, status)
		} else if code == http.StatusNotFound && touch["status"] == "unknown" && ages[i] > underWayMs {
			say(touch, "failed", "unsent", "provider_unavailable")
		}
	}
}

func commit() {
	offsets := map[int32]kgo.EpochOffset{}
	for number, read := range ours {
		if read.seen == 0 {
			continue // nothing was read yet
		}
		offsets[number] = kgo.EpochOffset{Epoch: -1, Offset: read.seen}
	}
	for _, it := range slices.Backward(waiting) {
		offsets[it.record.Partition] = kgo.EpochOffset{Epoch: -1, Offset: it.record.Offset}
	}
	client.CommitOffsets(context.Background(), map[string]map[int32]kgo.EpochOffset{touches: offsets}, nil)
}

func main() {
	var release context.CancelFunc
	stop, release = signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer release()
	session, _ := strconv.ParseFloat(env("WINBACK_SESSION_TIMEOUT_S", "10"), 64)
	gained := func(_ context.Context, _ *kgo.Client, fresh map[string][]int32) {
		lock.Lock()
		defer lock.Unlock()
		for _, number := range fresh[touches] {
			ours[number] = &reading{end: -1}
		}
	}
	lost := func(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
		lock.Lock()
		defer lock.Unlock()
		for _, number := range gone[touches] {
			delete(ours, number)
		}
		waiting = slices.DeleteFunc(waiting, func(it *item) bool { return ours[it.record.Partition] == nil })
	}
	client = must(kgo.NewClient(
		kgo.SeedBrokers(strings.Split(os.Getenv("WINBACK_KAFKA_BOOTSTRAP"), ",")...),
		kgo.ConsumerGroup(env("WINBACK_SENDER_GROUP", "winback-sender-"+channel)), kgo.ConsumeTopics(touches),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.FetchMaxWait(100*time.Millisecond),
		kgo.SessionTimeout(time.Duration(session*float64(time.Second))), kgo.HeartbeatInterval(time.Duration(session*float64(time.Second))/4),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.DisableAutoCommit(), kgo.OnPartitionsAssigned(gained), kgo.OnPartitionsRevoked(lost), kgo.OnPartitionsLost(lost),
	))
	working.Add(1)
	go func() {
		defer working.Done()
		for ; stop.Err() == nil; time.Sleep(500 * time.Millisecond) {
			follow()
		}
	}()
	var last time.Time
	for stop.Err() == nil {
		soon, cancel := context.WithTimeout(stop, 50*time.Millisecond)
		fetches := client.PollFetches(soon)
		cancel()
		lock.Lock()
		fetches.EachPartition(func(part kgo.FetchTopicPartition) {
			if read := ours[part.Partition]; read != nil { // nil: lost meanwhile
				if read.end < 0 {
					read.end = part.HighWatermark
				}
				part.EachRecord(take)
			}
		})
		turn()
		if time.Since(last) > 500*time.Millisecond {
			last = time.Now()
			commit()
		}
		lock.Unlock()
	}
	working.Wait()
	turn()
	commit()
	client.Close()
}
