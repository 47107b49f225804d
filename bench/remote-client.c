// A client of gdb's remote protocol that does nothing but send packets and wait for their replies: what bench/debugRemote.ts
// measures servers with, as a client in JavaScript takes longer than they do.
// Usage: remote-client PORT|PATH ORDER...; an ORDER is `must PACKET` (the reply has to be OK), `stop PACKET` (it has to be a T05
// stop reply), or `rate COUNT PACKETS`: COUNT times those packets, which blanks part, one after the other; prints how many times
// a second.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int connection;
static int acknowledges = 1;
static char received[1 << 16];
static size_t filled;

static void fail(const char *what, const char *about) {
  fprintf(stderr, "remote-client: %s: %s\n", what, about);
  exit(1);
}

static void send_all(const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t sent = write(connection, bytes, length);
    if (sent <= 0) fail("the server hung up", bytes);
    bytes += sent;
    length -= sent;
  }
}

// The payload of the next packet; console output is dropped.
static const char *reply(void) {
  static char payload[sizeof received];
  for (;;) {
    char *begin = memchr(received, '$', filled);
    char *end = begin ? memchr(begin, '#', filled - (begin - received)) : NULL;
    if (end && end + 3 <= received + filled) {
      size_t length = end - begin - 1;
      memcpy(payload, begin + 1, length);
      payload[length] = 0;
      filled -= end + 3 - received;
      memmove(received, end + 3, filled);
      if (acknowledges) send_all("+", 1);
      if (payload[0] == 'O' && strcmp(payload, "OK") != 0) continue;
      return payload;
    }
    if (filled == sizeof received) fail("a reply is too long", "");
    ssize_t count = read(connection, received + filled, sizeof received - filled);
    if (count <= 0) fail("the server hung up", "");
    filled += count;
  }
}

static const char *request(const char *payload, size_t length) {
  char frame[512];
  unsigned sum = 0;
  if (length + 5 > sizeof frame) fail("a packet is too long", payload);
  for (size_t i = 0; i < length; i++) sum += (unsigned char)payload[i];
  frame[0] = '$';
  memcpy(frame + 1, payload, length);
  sprintf(frame + 1 + length, "#%02x", sum & 0xff);
  send_all(frame, length + 4);
  return reply();
}

static int try_connection(const char *where) {
  if (where[0] == '/') {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", where);
    connection = socket(AF_UNIX, SOCK_STREAM, 0);
    return connect(connection, (struct sockaddr *)&address, sizeof address) == 0;
  }
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(where))};
  int yes = 1;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connection = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return connect(connection, (struct sockaddr *)&address, sizeof address) == 0;
}

// The server may be starting: ten seconds are enough for that.
static void open_connection(const char *where) {
  for (int attempt = 0; attempt < 200; attempt++) {
    if (try_connection(where)) return;
    close(connection);
    usleep(50000);
  }
  fail("no connection", where);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static void rate(int count, const char *packets) {
  double begin = now();
  for (int i = 0; i < count; i++)
    for (const char *packet = packets; *packet; packet += strspn(packet, " ")) {
      size_t length = strcspn(packet, " ");
      request(packet, length);
      packet += length;
    }
  printf("%f\n", count / (now() - begin));
}

int main(int count, char **words) {
  if (count < 2) fail("usage", "remote-client PORT|PATH ORDER...");
  open_connection(words[1]);
  request("qSupported:multiprocess+;swbreak+;hwbreak+;vContSupported+;ConditionalBreakpoints+", 82);
  if (strcmp(request("QStartNoAckMode", 15), "OK") == 0) acknowledges = 0;
  request("?", 1);
  for (int i = 2; i + 1 < count; i += 2) {
    const char *order = words[i], *packet = words[i + 1];
    if (strcmp(order, "rate") == 0 && i + 2 < count) {
      rate(atoi(packet), words[i + 2]);
      i++;
      continue;
    }
    const char *answer = request(packet, strlen(packet));
    int is_good = strcmp(order, "must") == 0 ? strcmp(answer, "OK") == 0 : strncmp(answer, "T05", 3) == 0;
    if (!is_good) fail(packet, answer);
  }
  return 0;
}
