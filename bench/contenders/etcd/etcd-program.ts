import { Etcd3 } from 'etcd3'
import { type LoadClient, obeyAsLoad } from '../node-zookeeper/client-load.js'

// The load of an etcd that is asked from Node.

obeyAsLoad(async address => {
  const client = new Etcd3({ hosts: `http://${address}` })
  await client.maintenance.status()
  const put = (key: string, value: Buffer) => client.put(key).value(value).exec()
  const connected: LoadClient = {
    prepare: async () => {},
    create: put,
    operations: {
      write: put,
      // What the server itself has, which may be behind.
      read: key => client.get(key).serializable(true).buffer(),
      // What etcd does unless it is told otherwise: the server asks the leader how far it has to be.
      linearizable: key => client.get(key).buffer()
    }
  }
  return connected
})
