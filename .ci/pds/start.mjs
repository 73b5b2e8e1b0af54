// Starts a Bluesky PDS and the PLC directory that gives its accounts their DIDs,
// for the tests of internal/network/bluesky. Both listen on free ports of the
// loopback interface and talk to nobody else. The first line on standard output
// is {"ready":true,"pds":URL}. The accounts live in PDS_DATA_DIRECTORY, which the
// caller makes and removes.
//
// They end at SIGTERM, SIGINT, and with their standard input, so that they do not
// outlive a test that is killed.
//
// PDS_JWT_SECRET and PDS_RATE_LIMIT… are taken from the environment: with a known
// secret a test can sign tokens that have expired.
import http from 'node:http'
import path from 'node:path'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import pdsModule from '@atproto/pds'
import plcModule from '@did-plc/server'

const { PDS, envToCfg, envToSecrets, readEnv } = pdsModule
const { PlcServer, Database } = plcModule

const directory = process.env.PDS_DATA_DIRECTORY
if (!directory) throw new Error('PDS_DATA_DIRECTORY is not set')
const secret = (bytes) => randomBytes(bytes).toString('hex')

// listen opens a free port before its service exists: the service must know its
// own address when it is made.
async function listen() {
  const server = http.createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

// attach lets a service that wants to listen by itself, which it would on every
// interface, answer on an open port.
function attach(service, server) {
  service.app.listen = (_port, whenListening) => {
    server.on('request', service.app)
    setImmediate(() => server.emit('listening'))
    whenListening?.()
    return server
  }
}

const plcServer = await listen()
const plc = PlcServer.create({ db: Database.mock(), port: plcServer.address().port })
attach(plc, plcServer)
await plc.start()

const pdsServer = await listen()
const port = pdsServer.address().port
Object.assign(process.env, {
  LOG_ENABLED: 'false',
  PDS_HOSTNAME: 'localhost',
  PDS_PORT: String(port),
  PDS_DEV_MODE: '1',
  PDS_BLOBSTORE_DISK_LOCATION: path.join(directory, 'blobs'),
  PDS_DID_PLC_URL: `http://127.0.0.1:${plcServer.address().port}`,
  PDS_SERVICE_HANDLE_DOMAINS: '.test',
  PDS_INVITE_REQUIRED: 'false',
  PDS_JWT_SECRET: process.env.PDS_JWT_SECRET ?? secret(16),
  PDS_ADMIN_PASSWORD: secret(8),
  PDS_DPOP_SECRET: secret(32),
  PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: secret(32),
})
const environment = readEnv()
const pds = await PDS.create(envToCfg(environment), envToSecrets(environment))
attach(pds, pdsServer)
await pds.start()

let ending = false
async function end() {
  if (ending) return
  ending = true
  await pds.destroy()
  await plc.destroy()
  process.exit(0)
}
process.on('SIGINT', end)
process.on('SIGTERM', end)
process.stdin.on('end', end).resume()
console.log(JSON.stringify({ ready: true, pds: `http://127.0.0.1:${port}` }))
