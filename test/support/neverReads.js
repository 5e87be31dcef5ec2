import { connect } from 'node:net'
import { getIntrospectionQuery } from 'graphql'

/*
 * Clients that ask by WebSocket and never read an answer: node neverReads.js PORT ADDRESSES SOCKETS. They come from
 * 127.0.0.2 and the addresses after it, so many of each. When all are connected, they begin to ask; who is cut off
 * comes again. Each line on standard output tells how many are connected, and how often one was cut off.
 */

const [port, addresses, socketsEach] = process.argv.slice(2).map(Number)
const askedAtOnce = 40
const open = new Set()
let cutOff = 0

/** A text frame of a client; its mask is zero. */
function frame(message) {
  const payload = Buffer.from(JSON.stringify(message))
  const head = Buffer.from([0x81, 0xfe, payload.length >> 8, payload.length & 255, 0, 0, 0, 0])
  return Buffer.concat([head, payload])
}

// Ids only have to differ among those that run.
const query = getIntrospectionQuery()
const asks = Array.from({ length: askedAtOnce }, (_, id) =>
  frame({ id: String(id), type: 'subscribe', payload: { query } }),
)
const questions = Buffer.concat([frame({ type: 'connection_init' }), ...asks])
const more = Buffer.concat(asks)

let begin = () => {}
const begun = new Promise(resolve => {
  begin = resolve
})

function attack(localAddress) {
  const socket = connect({ host: '127.0.0.1', port, localAddress })
  socket.on('error', () => {})
  socket.write(
    'GET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n' +
      'Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n',
  )
  socket.once('data', async () => {
    socket.pause()
    open.add(socket)
    await begun
    socket.write(questions)
  })
  // Nothing tells a client that does not read that it was cut off, except that it can't write.
  const timer = setInterval(() => {
    if (open.has(socket) && socket.writableLength === 0) socket.write(more)
  }, 1000)
  socket.once('close', () => {
    clearInterval(timer)
    if (open.delete(socket)) cutOff++
    setTimeout(() => attack(localAddress), 100)
  })
}

for (let address = 2; address < 2 + addresses; address++)
  for (let count = 0; count < socketsEach; count++) attack(`127.0.0.${address}`)

setInterval(() => {
  if (open.size === addresses * socketsEach) begin()
  process.stdout.write(`${open.size} ${cutOff}\n`)
}, 100)
