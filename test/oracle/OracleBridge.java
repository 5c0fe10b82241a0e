import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.ClientInfo;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.data.Stat;

/**
 * Does with a real ZooKeeper what it is told on stdin, one operation a line, and answers with one line each.
 *
 * A line is made of fields with tabs between them; text and bytes are '=' and base64, or '-' for null. A request is the session's number, the
 * operation and its arguments. An answer is ZooKeeper's code, the last zxid that the session's connection has heard of, the number of events that
 * any watcher has been told since the last answer, these events, and what the operation itself gives.
 */
public class OracleBridge {
  private static final int ANY_TIMEOUT = 30_000;
  private static final int REFUSED_BY_THE_CLIENT = KeeperException.Code.BADARGUMENTS.intValue();
  private static final byte[] NOTHING = null;

  private final String servers;
  private final Map<Integer, Session> sessions = new TreeMap<>();
  private final Map<String, Watcher> watchers = new HashMap<>();
  private final List<String> events = Collections.synchronizedList(new ArrayList<>());

  private OracleBridge(String servers) {
    this.servers = servers;
  }

  public static void main(String[] arguments) throws Exception {
    OracleBridge bridge = new OracleBridge(arguments[0]);
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.US_ASCII);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    for (String line = in.readLine(); line != null; line = in.readLine()) out.println(bridge.answer(new Fields(line)));
    System.exit(0);
  }

  private String answer(Fields fields) throws Exception {
    int number = fields.number();
    String operation = fields.next();
    List<String> body = new ArrayList<>();
    int code;
    Session session = sessions.get(number);
    try {
      if (operation.equals("open")) {
        session = open(number);
        body.add(Long.toString(session.getSessionId()));
      } else {
        perform(session, number, operation, fields, body);
      }
      code = 0;
    } catch (KeeperException e) {
      code = e.code().intValue();
      if (operation.equals("multi") && e.getResults() != null) {
        body.add(Integer.toString(e.getResults().size()));
        for (OpResult result : e.getResults()) addResult(body, result);
      }
    } catch (IllegalArgumentException e) {
      code = REFUSED_BY_THE_CLIENT;
    }
    flush();
    List<String> heard = new ArrayList<>();
    synchronized (events) {
      heard.addAll(events);
      events.clear();
    }
    StringBuilder line = new StringBuilder();
    line.append(code).append('\t').append(session.lastZxid()).append('\t').append(heard.size());
    for (String each : heard) line.append('\t').append(each);
    for (String each : body) line.append('\t').append(each);
    return line.toString();
  }

  private Session open(int number) throws Exception {
    CountDownLatch connected = new CountDownLatch(1);
    Session session = new Session(servers, event -> {
      if (event.getState() == Watcher.Event.KeeperState.SyncConnected) connected.countDown();
    });
    if (!connected.await(ANY_TIMEOUT, TimeUnit.MILLISECONDS)) throw new IllegalStateException("no connection");
    sessions.put(number, session);
    session.exists("/", false);
    return session;
  }

  private void perform(Session session, int number, String operation, Fields fields, List<String> body) throws Exception {
    Stat stat = new Stat();
    switch (operation) {
      case "close":
        session.close();
        sessions.remove(number);
        break;
      case "addAuth":
        session.addAuthInfo(fields.text(), fields.bytes());
        session.exists("/", false);
        break;
      case "create": {
        String path = fields.text();
        byte[] data = fields.bytes();
        CreateMode mode = CreateMode.fromFlag(fields.number());
        long ttl = fields.longNumber();
        body.add(text(session.create(path, data, fields.acl(), mode, stat, ttl)));
        addStat(body, stat);
        break;
      }
      case "delete":
        session.delete(fields.text(), fields.number());
        break;
      case "setData":
        addStat(body, session.setData(fields.text(), fields.bytes(), fields.number()));
        break;
      case "exists": {
        Stat found = session.exists(fields.text(), watcher(number, fields.number()));
        body.add(found == null ? "0" : "1");
        if (found != null) addStat(body, found);
        break;
      }
      case "getData": {
        byte[] data = session.getData(fields.text(), watcher(number, fields.number()), stat);
        body.add(bytes(data));
        addStat(body, stat);
        break;
      }
      case "getChildren": {
        addTexts(body, session.getChildren(fields.text(), watcher(number, fields.number()), stat));
        addStat(body, stat);
        break;
      }
      case "getACL": {
        List<ACL> acl = session.getACL(fields.text(), stat);
        body.add(Integer.toString(acl.size()));
        for (ACL each : acl) {
          body.add(Integer.toString(each.getPerms()));
          body.add(text(each.getId().getScheme()));
          body.add(text(each.getId().getId()));
        }
        addStat(body, stat);
        break;
      }
      case "setACL": {
        String path = fields.text();
        List<ACL> acl = fields.acl();
        addStat(body, session.setACL(path, acl, fields.number()));
        break;
      }
      case "multi":
      case "multiRead": {
        int count = fields.number();
        List<Op> ops = new ArrayList<>();
        for (int index = 0; index < count; index++) ops.add(fields.op());
        List<OpResult> results = session.multi(ops);
        body.add(Integer.toString(results.size()));
        for (OpResult result : results) addResult(body, result);
        break;
      }
      case "getEphemerals":
        addTexts(body, session.getEphemerals(fields.text()));
        break;
      case "getAllChildrenNumber":
        body.add(Integer.toString(session.getAllChildrenNumber(fields.text())));
        break;
      case "whoAmI": {
        List<ClientInfo> infos = session.whoAmI();
        body.add(Integer.toString(infos.size()));
        for (ClientInfo each : infos) {
          body.add(text(each.getAuthScheme()));
          body.add(text(each.getUser()));
        }
        break;
      }
      case "addWatch": {
        String path = fields.text();
        AddWatchMode mode = fields.number() == 1 ? AddWatchMode.PERSISTENT_RECURSIVE : AddWatchMode.PERSISTENT;
        session.addWatch(path, watcher(number, fields.number()), mode);
        break;
      }
      case "removeAllWatches":
        session.removeAllWatches(fields.text(), Watcher.WatcherType.valueOf(fields.next()), false);
        break;
      case "removeWatches": {
        String path = fields.text();
        Watcher.WatcherType type = Watcher.WatcherType.valueOf(fields.next());
        session.removeWatches(path, watcher(number, fields.number()), type, false);
        break;
      }
      case "sync":
        session.flush();
        break;
      default:
        throw new IllegalStateException(operation);
    }
  }

  /** The reply to a sync stands behind every event of what was done before, and its callback behind their callbacks. */
  private void flush() throws Exception {
    for (Session each : sessions.values()) each.flush();
  }

  private Watcher watcher(int session, int number) {
    if (number < 0) return null;
    return watchers.computeIfAbsent(session + " " + number, key -> new Watcher() {
      @Override
      public void process(WatchedEvent event) {
        if (event.getType() == Event.EventType.None) return;
        events.add(session + "\t" + number + "\t" + event.getType() + "\t" + text(event.getPath()));
      }
    });
  }

  private static void addResult(List<String> body, OpResult result) {
    if (result instanceof OpResult.CreateResult) {
      OpResult.CreateResult created = (OpResult.CreateResult) result;
      body.add("create");
      body.add(text(created.getPath()));
      body.add(created.getStat() == null ? "0" : "1");
      if (created.getStat() != null) addStat(body, created.getStat());
    } else if (result instanceof OpResult.SetDataResult) {
      body.add("setData");
      addStat(body, ((OpResult.SetDataResult) result).getStat());
    } else if (result instanceof OpResult.DeleteResult) {
      body.add("delete");
    } else if (result instanceof OpResult.CheckResult) {
      body.add("check");
    } else if (result instanceof OpResult.GetDataResult) {
      body.add("getData");
      body.add(bytes(((OpResult.GetDataResult) result).getData()));
      addStat(body, ((OpResult.GetDataResult) result).getStat());
    } else if (result instanceof OpResult.GetChildrenResult) {
      body.add("getChildren");
      addTexts(body, ((OpResult.GetChildrenResult) result).getChildren());
    } else {
      body.add("error");
      body.add(Integer.toString(((OpResult.ErrorResult) result).getErr()));
    }
  }

  private static void addTexts(List<String> body, List<String> texts) {
    body.add(Integer.toString(texts.size()));
    for (String each : texts) body.add(text(each));
  }

  private static void addStat(List<String> body, Stat stat) {
    long[] numbers = {
      stat.getCzxid(), stat.getMzxid(), stat.getPzxid(), stat.getCtime(), stat.getMtime(), stat.getVersion(), stat.getCversion(),
      stat.getAversion(), stat.getEphemeralOwner(), stat.getDataLength(), stat.getNumChildren()
    };
    for (long each : numbers) body.add(Long.toString(each));
  }

  private static String text(String text) {
    return bytes(text == null ? NOTHING : text.getBytes(StandardCharsets.UTF_8));
  }

  private static String bytes(byte[] bytes) {
    return bytes == null ? "-" : "=" + Base64.getEncoder().encodeToString(bytes);
  }

  /** A client that tells the last zxid that its server has told it, which is that of its own last write when nothing else goes on. */
  private static final class Session extends ZooKeeper {
    Session(String servers, Watcher watcher) throws Exception {
      super(servers, ANY_TIMEOUT, watcher);
    }

    long lastZxid() {
      return cnxn.getLastZxid();
    }

    void flush() throws Exception {
      if (!getState().isAlive()) return;
      CountDownLatch done = new CountDownLatch(1);
      sync("/", (code, path, context) -> done.countDown(), null);
      if (!done.await(ANY_TIMEOUT, TimeUnit.MILLISECONDS)) throw new IllegalStateException("no answer to a sync");
    }
  }

  private static final class Fields {
    private final String[] fields;
    private int at = 0;

    Fields(String line) {
      fields = line.split("\t", -1);
    }

    String next() {
      return fields[at++];
    }

    int number() {
      return Integer.parseInt(next());
    }

    long longNumber() {
      return Long.parseLong(next());
    }

    byte[] bytes() {
      String field = next();
      return field.equals("-") ? null : Base64.getDecoder().decode(field.substring(1));
    }

    String text() {
      byte[] bytes = bytes();
      return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
    }

    List<ACL> acl() {
      List<ACL> acl = new ArrayList<>();
      int count = number();
      for (int index = 0; index < count; index++) {
        int perms = number();
        String scheme = text();
        acl.add(new ACL(perms, new Id(scheme, text())));
      }
      return acl;
    }

    Op op() {
      String kind = next();
      String path = text();
      switch (kind) {
        case "create": {
          byte[] data = bytes();
          int flags = number();
          long ttl = longNumber();
          CreateMode mode = CreateMode.fromFlag(flags, CreateMode.PERSISTENT);
          return mode.isTTL() ? Op.create(path, data, acl(), mode, ttl) : Op.create(path, data, acl(), flags);
        }
        case "delete":
          return Op.delete(path, number());
        case "setData": {
          byte[] data = bytes();
          return Op.setData(path, data, number());
        }
        case "check":
          return Op.check(path, number());
        case "getData":
          return Op.getData(path);
        case "getChildren":
          return Op.getChildren(path);
        default:
          throw new IllegalStateException(kind);
      }
    }
  }
}
