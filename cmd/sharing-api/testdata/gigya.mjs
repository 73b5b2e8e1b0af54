// Calls Gigya's client for Node as the programs of its users do. Each line of the input
// is a call, {"call": "socialize.setStatus", "args": [{…}]}; for each a line comes back
// with what the promise gave, {"result"}, or with what it threw, {"code", "message",
// "reply"}.
//
// The client calls https://NAMESPACE.us1.gigya.com, and brings authorities of its own.
// Below it connections go to ADDRESS, and CA_FILE says whom they trust; that the
// certificate is for the host is still checked.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import readline from 'node:readline'
import tls from 'node:tls'

const { CLIENTS_DIR, ADDRESS, CA_FILE, API_KEY, USER_KEY, SECRET, PRIVATE_KEY_FILE } = process.env
const [host, port] = ADDRESS.split(':')
const ca = readFileSync(CA_FILE)
const connect = tls.connect
tls.connect = (options, ...rest) => connect({ ...options, host, port, ca }, ...rest)

const { Gigya } = createRequire(path.join(CLIENTS_DIR, 'package.json'))('gigya')
Gigya.RETRY_DELAY = 1 // milliseconds
const client = PRIVATE_KEY_FILE
  ? new Gigya(API_KEY, 'us1', { userKey: USER_KEY, privateKey: readFileSync(PRIVATE_KEY_FILE, 'utf8') })
  : USER_KEY ? new Gigya(API_KEY, 'us1', USER_KEY, SECRET) : new Gigya(API_KEY, 'us1', SECRET)

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { call, args } = JSON.parse(line)
  const [group, name] = call.split('.')
  const f = client[group]?.[name] ? client[group][name].bind(client[group]) : client.request.bind(client, call)
  let reply
  try {
    reply = { result: await f(...args) }
  } catch (e) {
    reply = { code: e.errorCode, message: String(e), reply: e.gigyaResponse }
  }
  console.log(JSON.stringify(reply))
}
