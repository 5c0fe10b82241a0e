import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooKeeper;

/**
 * Puts a load on ZooKeepers as it is told on stdin, with one session at each server that is named by an argument.
 *
 * An order is a line of words, and so is its answer: "done" and what came of it, or "failed" and why. "fill SERVER ZNODES BYTES" brings about
 * the znodes. "measure OPERATION WARM_UP MEASURED PARTS" has each session keep its part of operations under way and gives, for every latency
 * that has occurred, its microseconds and how often.
 */
public class ZooKeeperLoad {
  private static final int SESSION_TIMEOUT = 30_000;
  private static final int CREATES_UNDER_WAY = 1_000;

  private final List<ZooKeeper> sessions = new ArrayList<>();
  private String[] paths = {};
  private byte[] value = {};

  public static void main(String[] addresses) throws Exception {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    ZooKeeperLoad load = new ZooKeeperLoad();
    for (String address : addresses) load.sessions.add(connect(address));
    out.println("done");
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String answer;
      try {
        answer = "done " + load.perform(line.split(" "));
      } catch (Exception e) {
        answer = "failed " + e.toString().replace('\n', ' ');
      }
      out.println(answer);
    }
    System.exit(0);
  }

  private static ZooKeeper connect(String address) throws Exception {
    CountDownLatch connected = new CountDownLatch(1);
    ZooKeeper session = new ZooKeeper(address, SESSION_TIMEOUT, event -> {
      if (event.getState() == KeeperState.SyncConnected) connected.countDown();
    });
    if (!connected.await(SESSION_TIMEOUT, TimeUnit.MILLISECONDS)) throw new IllegalStateException("no connection to " + address);
    return session;
  }

  private String perform(String[] words) throws Exception {
    switch (words[0]) {
      case "fill":
        fill(sessions.get(Integer.parseInt(words[1])), Integer.parseInt(words[2]), Integer.parseInt(words[3]));
        return "";
      case "measure":
        return measure(words[1], Long.parseLong(words[2]), Long.parseLong(words[3]), words[4].split(","));
      default:
        throw new IllegalArgumentException("unknown order " + words[0]);
    }
  }

  private void fill(ZooKeeper session, int znodes, int bytes) throws Exception {
    value = new byte[bytes];
    Arrays.fill(value, (byte) '.');
    paths = new String[znodes];
    session.create("/bench", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
    Semaphore free = new Semaphore(CREATES_UNDER_WAY);
    Outcome outcome = new Outcome();
    for (int number = 0; number < znodes; number++) {
      paths[number] = "/bench/" + number;
      free.acquire();
      session.create(paths[number], value, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT, (code, path, context, name) -> {
        outcome.add(code);
        free.release();
      }, null);
    }
    free.acquire(CREATES_UNDER_WAY);
    // A server that was not part of the quorum may still lack znodes, which it would not find when it is asked for them.
    for (ZooKeeper each : sessions) {
      each.sync("/bench", (code, path, context) -> {
        outcome.add(code);
        free.release();
      }, null);
    }
    free.acquire(sessions.size());
    outcome.check();
  }

  private String measure(String operation, long warmUp, long measured, String[] parts) throws Exception {
    long from = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(warmUp);
    long end = from + TimeUnit.MILLISECONDS.toNanos(measured);
    List<ClosedLoop> loops = new ArrayList<>();
    for (int index = 0; index < parts.length; index++) {
      int outstanding = Integer.parseInt(parts[index]);
      if (outstanding > 0) loops.add(new ClosedLoop(sessions.get(index), operation, outstanding, from, end));
    }
    for (ClosedLoop loop : loops) loop.start();
    Map<Integer, Integer> occurrences = new TreeMap<>();
    for (ClosedLoop loop : loops) loop.awaitEnd(occurrences);
    StringBuilder answer = new StringBuilder();
    occurrences.forEach((micros, count) -> answer.append(micros).append(':').append(count).append(' '));
    return answer.toString().trim();
  }

  /** The first thing that went wrong, if anything did. */
  private static final class Outcome {
    private final AtomicReference<Code> failure = new AtomicReference<>();

    void add(int code) {
      if (code != Code.OK.intValue()) failure.compareAndSet(null, Code.get(code));
    }

    boolean isGood() {
      return failure.get() == null;
    }

    void check() {
      if (!isGood()) throw new IllegalStateException("ZooKeeper says " + failure.get());
    }
  }

  /** Keeps operations of one session under way: each that ends is followed by the next one at once. */
  private final class ClosedLoop {
    private final ZooKeeper session;
    private final String operation;
    private final int outstanding;
    private final long from;
    private final long end;
    private final Outcome outcome = new Outcome();
    private final CountDownLatch ended = new CountDownLatch(1);
    // These belong to the session's event thread, which calls all the callbacks, until the latch has been counted down.
    private int running;
    private int[] latencies = new int[1 << 16];
    private int count = 0;

    ClosedLoop(ZooKeeper session, String operation, int outstanding, long from, long end) {
      this.session = session;
      this.operation = operation;
      this.outstanding = outstanding;
      this.running = outstanding;
      this.from = from;
      this.end = end;
    }

    void start() {
      for (int number = 0; number < outstanding; number++) issue();
    }

    void awaitEnd(Map<Integer, Integer> occurrences) throws InterruptedException {
      ended.await();
      outcome.check();
      for (int index = 0; index < count; index++) occurrences.merge(latencies[index], 1, Integer::sum);
    }

    private void issue() {
      String path = paths[ThreadLocalRandom.current().nextInt(paths.length)];
      long start = System.nanoTime();
      switch (operation) {
        case "write":
          session.setData(path, value, -1, (code, asked, context, stat) -> onEnd(code, start), null);
          break;
        case "linearizable":
          session.sync(path, (code, asked, context) -> outcome.add(code), null);
          session.getData(path, false, (code, asked, context, data, stat) -> onEnd(code, start), null);
          break;
        case "read":
          session.getData(path, false, (code, asked, context, data, stat) -> onEnd(code, start), null);
          break;
        default:
          throw new IllegalArgumentException("unknown operation " + operation);
      }
    }

    private void onEnd(int code, long start) {
      long now = System.nanoTime();
      outcome.add(code);
      if (outcome.isGood() && now < end) {
        if (now >= from) record(now - start);
        issue();
      } else if (--running == 0) {
        ended.countDown();
      }
    }

    private void record(long nanos) {
      if (count == latencies.length) latencies = Arrays.copyOf(latencies, count * 2);
      latencies[count++] = (int) TimeUnit.NANOSECONDS.toMicros(nanos);
    }
  }
}
