// What the bench uses of a package that comes without types.
declare module 'node-zookeeper-client' {
  interface Client {
    connect(): void
    once(event: 'connected', listener: () => void): this
    create(path: string, data: Buffer | null, callback: (error: Error | null) => void): void
    setData(path: string, data: Buffer, version: number, callback: (error: Error | null) => void): void
    getData(path: string, callback: (error: Error | null, data?: Buffer) => void): void
  }

  const zooKeeper: {
    createClient(connectionString: string, options?: { readonly sessionTimeout?: number }): Client
  }
  export default zooKeeper
}
