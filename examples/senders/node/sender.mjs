// A sender without the kit, by the rules of docs/senders.md; ../README.md says what it leaves out.
import { mkdirSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, Partitioners, logLevel } from 'kafkajs'

const { PROVIDER_URL, ADDRESSES_URL, WINBACK_KAFKA_BOOTSTRAP: BOOTSTRAP, WINBACK_SENDER_CHANNEL: CHANNEL = 'sms',
  WINBACK_TOPIC_TOUCHES: TOUCHES = 'win-back', WINBACK_TOPIC_FEEDBACK: FEEDBACK = 'win-back-feedback',
  WINBACK_TOPIC_DEAD_LETTERS: DEAD_LETTERS = 'winback-dead-letters', WINBACK_SENDER_STATE: STATE = 'build/sender',
  WINBACK_SENDER_GROUP: GROUP = `winback-sender-${CHANNEL}`, WINBACK_SESSION_TIMEOUT_S: SESSION_S = 10 } = process.env
const [MAJOR, PARALLEL, CALL_MS, UNDER_WAY_MS, JITTER_MS] = [1, 64, 2_000, 30_000, 3_000]

// The journal: on disk before a call leaves, one for all instances. A row holds what is to be said if nothing more is
// heard. A touch and its revocation contend for the same row, so the first of them wins.
mkdirSync(STATE, { recursive: true })
const db = new DatabaseSync(`${STATE}/touches.db`, { timeout: 10_000 })
const setUp = () => db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE IF NOT EXISTS touches
  (id TEXT PRIMARY KEY, status TEXT, word TEXT, at INTEGER, ask_at INTEGER); CREATE INDEX IF NOT EXISTS a ON touches (ask_at)`)
try { setUp() } catch { await sleep(500).then(setUp) } // another instance may be making it
const find = db.prepare('SELECT word FROM touches WHERE id = ?')
const enter = db.prepare('INSERT OR IGNORE INTO touches VALUES (?, ?, ?, ?, ?)')
const takeBack = db.prepare("DELETE FROM touches WHERE id = ? AND status = 'unknown'")
const settle = db.prepare(`INSERT INTO touches VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET status = ?2,
  word = ?3, ask_at = ?5 WHERE status = 'unknown' OR ?2 NOT IN ('unknown', 'accepted')`)
const toAsk = db.prepare(`UPDATE touches SET ask_at = 2 * ?1 - at WHERE id IN (SELECT id FROM touches
  WHERE ask_at <= ?1 AND ask_at < at + 86400000 LIMIT 64) RETURNING *`) // less and less often, for a day
const row = (word, askAt = null) => [word.touch_id, word.status, JSON.stringify(word), Date.now(), askAt]

const kafka = new Kafka({ clientId: 'winback-sender', brokers: BOOTSTRAP.split(','), logLevel: logLevel.ERROR })
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner }) // murmur2, as in Java
const consumer = kafka.consumer({ groupId: GROUP, readUncommitted: false, maxWaitTimeInMs: 100,
  sessionTimeout: 1_000 * SESSION_S, rebalanceTimeout: 3_000 * SESSION_S, heartbeatInterval: 250 * SESSION_S })
const partitions = new Map() // number → how far it is read, for those that are ours
let [waiting, isStopping] = [[], false] // touches in the order of the log

const later = (item, seconds) => void Object.assign(item, { why: 'provider_unavailable',
  dueAt: Date.now() + 1_000 * (seconds || 0) + Math.random() * JITTER_MS })
const write = (topic, key, value) => producer.send({ topic, messages: [{ key, value }] })
const word = ({ touch_id, user_id }, status, outcome = '', reason = '', ref = '') => ({ touch_id, user_id, status,
  outcome, reason, channel: CHANNEL, provider: 'postbox', provider_ref: ref, at: new Date().toISOString() })

async function say (said) {
  settle.run(...row(said, ['accepted', 'unknown'].includes(said.status) ? Date.now() + 1_000 : null))
  await write(FEEDBACK, said.user_id, JSON.stringify(said))
  return true
}

async function call (url, options) { // its code is ECONNREFUSED if nothing can have left
  const answer = await fetch(url, { ...options, signal: AbortSignal.timeout(CALL_MS) }).catch(({ cause }) => cause)
  const said = await answer?.json?.().catch(() => null)
  return { code: answer?.code ?? answer?.status, wait: Number(answer?.headers?.get('retry-after')), said: said ?? {} }
}

function take (partition, { offset, key, value, headers }) {
  if (!partition) return // it is not ours any more
  partition.next = Number(offset) + 1
  let touch = null
  try { touch = JSON.parse(value) } catch { /* a dead letter */ }
  if (!touch?.type || (touch.type.startsWith('touch.re') && !(touch.touch_id && touch.user_id))) touch = null
  if (touch?.type === 'touch.revoked') enter.run(...row(word(touch, 'failed', 'unsent', 'revoked')))
  if (touch && (touch.type !== 'touch.requested' || touch.channel !== CHANNEL)) return
  waiting.push({ touch, key, value, partition, offset, major: String(headers.ce_dataschema ?? MAJOR).split(':').at(-1),
    why: 'expired', dueAt: Date.parse(touch?.not_before) || 0, expiresAt: Date.parse(touch?.expires_at) || 0 })
}

// The first touch of each user, if it is due and what stands behind it in the log (a revocation) has been seen.
async function turn () {
  const users = new Set()
  const isDue = ({ dueAt, partition: { seen, end } }) => Date.now() >= dueAt && seen >= end
  const firsts = waiting.filter(({ touch }) => !users.has(touch?.user_id) && users.add(touch?.user_id))
  const done = await Promise.all(firsts.filter(isDue).slice(0, PARALLEL).map(async item => await work(item) && item))
  waiting = waiting.filter(item => !done.includes(item))
}

async function work (item) { // true when its first word is said
  const { touch, key, value, expiresAt, partition } = item
  if (!touch) return await write(DEAD_LETTERS, key, value)
  const known = find.get(touch.touch_id)
  if (known) return await say(JSON.parse(known.word))
  if (item.major > MAJOR) await write(DEAD_LETTERS, key, value)
  if (item.major > MAJOR) return await say(word(touch, 'failed', 'unsent', 'unknown_version'))
  if (Date.now() >= expiresAt) return await say(word(touch, 'failed', 'unsent', item.why))
  const found = await call(`${ADDRESSES_URL}/${encodeURIComponent(touch.user_id)}/${CHANNEL}`)
  if (found.code === 404) return await say(word(touch, 'failed', 'hard', 'no_address'))
  if (!found.said.address) return later(item, found.wait)
  if (Date.now() >= expiresAt || isStopping || partitions.get(partition.number) !== partition) return
  if (!enter.run(...row(word(touch, 'unknown', '', 'interrupted'), Date.now() + UNDER_WAY_MS)).changes) return
  const { touch_id: id, template_key: template, params } = touch
  const body = JSON.stringify({ id, to: found.said.address, template, params })
  const { code, wait, said } = await call(`${PROVIDER_URL}/messages`, { method: 'POST', body })
  if ([429, 503, 'ECONNREFUSED'].includes(code)) return later(item, wait, takeBack.run(id))
  if (code === 202) return await say(word(touch, 'accepted', '', '', said.ref))
  if (code !== 400) return await say(word(touch, 'unknown', '', 'timed_out'))
  return await say(word(touch, 'failed', said.error === 'bad_number' ? 'hard' : 'unsent', said.error))
}

async function follow () { // asks what became of what the provider took, or may have taken
  await Promise.all(toAsk.all(Date.now()).map(async ({ id, status, word: last, at }) => {
    const { code, said } = await call(`${PROVIDER_URL}/messages?id=${id}`)
    const isLost = code === 404 && status === 'unknown' && Date.now() > at + UNDER_WAY_MS
    if (isLost) await say(word(JSON.parse(last), 'failed', 'unsent', 'provider_unavailable'))
    if (code === 200 && said.status !== status) await say(word(JSON.parse(last), said.status, '', '', said.ref))
  }))
  const offsets = [...partitions.values()].filter(({ next }) => next).map(partition => ({ topic: TOUCHES,
    partition: partition.number, offset: waiting.find(item => item.partition === partition)?.offset ?? partition.next }))
  await consumer.commitOffsets(offsets).catch(() => {}) // a rebalance: the next owner finds the journal
}

for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => { isStopping = true })
const forget = () => { partitions.clear(); waiting = [] } // what is not committed is read again, with what came since
consumer.on(consumer.events.REBALANCING, forget)
consumer.on(consumer.events.GROUP_JOIN, ({ payload: { memberAssignment: { [TOUCHES]: mine = [] } } }) => {
  forget()
  for (const number of mine) partitions.set(number, { number, next: 0 })
})
consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { partition: number, lastOffset, highWatermark } }) => {
  const partition = partitions.get(number)
  if (partition) Object.assign(partition, { seen: Number(lastOffset) + 1, end: partition.end ?? Number(highWatermark) })
})
await Promise.all([producer.connect(), consumer.connect(), consumer.subscribe({ topic: TOUCHES, fromBeginning: true })])
const running = consumer.run({ autoCommit: false, eachBatch: async ({ batch: { partition, messages } }) =>
  messages.forEach(message => take(partitions.get(partition), message)) })
for (let turns = 0; !isStopping; turns++, await sleep(20)) await Promise.all([turn(), turns % 25 ? null : follow()])
await follow()
await Promise.race([Promise.all([producer.disconnect(), consumer.disconnect()]), running.then(() => sleep(3_000))])
process.exit()
