import { promisify } from 'node:util'
import zooKeeper from 'node-zookeeper-client'
import { type LoadClient, obeyAsLoad } from './client-load.js'

// The load of a ZooKeeper that is asked from Node.

const ANY_VERSION = -1

obeyAsLoad(async address => {
  const client = zooKeeper.createClient(address)
  await new Promise<void>(resolve => {
    client.once('connected', resolve).connect()
  })
  const create = promisify<string, Buffer | null>(client.create).bind(client)
  const setData = promisify<string, Buffer, number>(client.setData).bind(client)
  const getData = promisify<string, Buffer | undefined>(client.getData).bind(client)
  const connected: LoadClient = {
    prepare: () => create('/bench', null),
    create,
    operations: {
      write: (path, value) => setData(path, value, ANY_VERSION),
      read: path => getData(path)
    }
  }
  return connected
})
