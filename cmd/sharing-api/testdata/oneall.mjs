// Calls OneAll's own client as the programs of its users do. Each line of the input
// is a call, {"call": "user.get", "args": ["…"]}; for each a line comes back with
// what its callback was given, {"error", "result", "envelope"}, or with what the
// client threw outside of it, {"thrown"}.
//
// One client to a process: the package binds its functions to the first one.
import { createRequire } from 'node:module'
import path from 'node:path'
import readline from 'node:readline'

const { CLIENTS_DIR, ENDPOINT, PUBLIC_KEY, PRIVATE_KEY } = process.env
const OneAll = createRequire(path.join(CLIENTS_DIR, 'package.json'))('oneall')
const client = new OneAll({ endpoint: ENDPOINT, publickey: PUBLIC_KEY, privatekey: PRIVATE_KEY })

let answer
process.on('uncaughtException', (e) => answer({ thrown: String(e) }))
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { call, args } = JSON.parse(line)
  const [group, name] = call.split('.')
  const reply = await new Promise((resolve) => {
    answer = resolve
    client[group][name](...args, (error, result, envelope) => {
      answer({ error: error ? String(error) : null, result, envelope })
    })
  })
  console.log(JSON.stringify(reply))
}
