import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.ChannelInputShutdownReadComplete;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import io.netty.handler.codec.TooLongFrameException;
import java.net.InetSocketAddress;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Length-prefixed echo on Netty, one event loop: {@code NettyEcho messages|fused forwarded|rewritten}.
 *
 * <p>Frames are copied into one output buffer, which leaves when the reads pause. Slices
 * on the way out, with a prefix buffer each (LengthFieldPrepender), would keep the read buffers alive
 * until direct memory runs out on a saturated stream.
 */
public final class NettyEcho {
  private static final int MAX_FRAME_LENGTH = 10_000_000;
  private static final int PREFIX_LENGTH = 4;
  private static final int BUFFER = 64 * 1024;

  public static void main(String[] args) throws InterruptedException {
    String variant = args.length == 2 ? args[0] : "";
    String mode = args.length == 2 ? args[1] : "";
    boolean fused = variant.equals("fused");
    boolean rewritten = mode.equals("rewritten");
    if (!(fused || variant.equals("messages")) || !(rewritten || mode.equals("forwarded"))) {
      System.err.println("usage: NettyEcho messages|fused forwarded|rewritten");
      System.exit(2);
    }
    Channel listener =
        new ServerBootstrap()
            .group(new NioEventLoopGroup(1))
            .channel(NioServerSocketChannel.class)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
            .childOption(ChannelOption.RCVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(BUFFER))
            // A burst is at most 16 reads; above that the peer is not reading and we stop too.
            .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, new WriteBufferWaterMark(16 * BUFFER, 32 * BUFFER))
            .childHandler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel socket) {
                    Answers answers = new Answers(rewritten);
                    if (fused) socket.pipeline().addLast(new FusedEcho(answers), new Ending(answers));
                    else socket.pipeline().addLast(new Frames(), new MessageEcho(answers), new Ending(answers));
                  }
                })
            .bind("127.0.0.1", 0)
            .sync()
            .channel();
    System.out.println("listening " + ((InetSocketAddress) listener.localAddress()).getPort());
  }

  /** The output of one connection: whole frames in one buffer, from one flush to the next. */
  private static final class Answers {
    private final boolean rewritten;
    private ByteBuf buffer;

    Answers(boolean rewritten) {
      this.rewritten = rewritten;
    }

    /** Appends the payload {@code source[from, from + length)} as a frame. */
    void append(ChannelHandlerContext ctx, ByteBuf source, int from, int length) {
      if (rewritten && length > 0xffff) throw new TooLongFrameException("payload over 65,535 bytes: " + length);
      if (buffer != null && buffer.writableBytes() < PREFIX_LENGTH + length) handOver(ctx);
      if (buffer == null) buffer = ctx.alloc().directBuffer(Math.max(BUFFER, PREFIX_LENGTH + length));
      if (rewritten) buffer.writeShort(length);
      else buffer.writeIntLE(length);
      buffer.writeBytes(source, from, length);
    }

    void flush(ChannelHandlerContext ctx) {
      handOver(ctx);
      ctx.flush();
    }

    private void handOver(ChannelHandlerContext ctx) {
      if (buffer == null) return;
      ctx.write(buffer, ctx.voidPromise());
      buffer = null;
    }
  }

  /** Netty's own decoder; its maximum counts the prefix. */
  private static final class Frames extends LengthFieldBasedFrameDecoder {
    Frames() {
      super(
          ByteOrder.LITTLE_ENDIAN,
          MAX_FRAME_LENGTH + PREFIX_LENGTH,
          0,
          PREFIX_LENGTH,
          0,
          PREFIX_LENGTH,
          true);
    }
  }

  /** Answers the frames that arrive as messages. */
  private static final class MessageEcho extends ChannelInboundHandlerAdapter {
    private final Answers answers;

    MessageEcho(Answers answers) {
      this.answers = answers;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      ByteBuf frame = (ByteBuf) message;
      try {
        answers.append(ctx, frame, frame.readerIndex(), frame.readableBytes());
      } finally {
        frame.release();
      }
    }
  }

  /** Cuts the frames by hand and answers in the same loop: no message object for a frame. */
  private static final class FusedEcho extends ByteToMessageDecoder {
    private final Answers answers;

    FusedEcho(Answers answers) {
      this.answers = answers;
    }

    @Override
    protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> none) {
      int at = in.readerIndex();
      int end = in.writerIndex();
      while (end - at >= PREFIX_LENGTH) {
        long length = in.getUnsignedIntLE(at);
        if (length > MAX_FRAME_LENGTH) {
          in.readerIndex(end);
          throw new TooLongFrameException("frame over " + MAX_FRAME_LENGTH + " bytes: " + length);
        }
        if (end - at - PREFIX_LENGTH < length) break;
        answers.append(ctx, in, at + PREFIX_LENGTH, (int) length);
        at += PREFIX_LENGTH + (int) length;
      }
      in.readerIndex(at);
    }
  }

  /** Flushes when the reads pause, stops reading while the peer does not, closes after the last answer. */
  private static final class Ending extends ChannelInboundHandlerAdapter {
    private final Answers answers;

    Ending(Answers answers) {
      this.answers = answers;
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
      answers.flush(ctx);
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
      ctx.channel().config().setAutoRead(ctx.channel().isWritable());
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
      if (event == ChannelInputShutdownReadComplete.INSTANCE) close(ctx);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable refused) {
      close(ctx);
    }

    private void close(ChannelHandlerContext ctx) {
      answers.flush(ctx);
      ctx.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    }
  }
}
