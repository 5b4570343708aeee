// Whether PHP's own TLS reaches the server, where the library of the launch does not. In TLS 1.3 a server refuses a
// client only after the client's handshake, so this waits for a reply. Every user may send QUIT.
$context = stream_context_create(array('ssl' => (array) json_decode($argv[2], true)));
$stream = @stream_socket_client($argv[1], $code, $message, 2, STREAM_CLIENT_CONNECT, $context);
if ($stream) {
    stream_set_timeout($stream, 2);
    fwrite($stream, "QUIT\r\n");
}
answer($stream && fgets($stream) !== false);
